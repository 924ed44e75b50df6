import type { CedarValueJson } from '@cedar-policy/cedar-wasm/nodejs'
import { isJsonObject, type JsonObject } from '../../core/json-object.ts'

/** The engine reads values recursively, and no argument that a policy looks into is nested so deeply. */
const deepest = 16

/**
 * The arguments that policies look at, as Cedar values: strings, booleans, whole numbers, sets and records; `null` is
 * absent. What Cedar has no value for, such as 1.5, is its JSON text, so that it is there, and equals nothing by
 * chance. Undefined for what would be no record to the engine. Untrusted input.
 */
export function cedarArguments(
  given: JsonObject,
  wanted: ReadonlySet<string> | 'all',
): Record<string, CedarValueJson> | undefined {
  if (Object.keys(given).some(isReserved)) return undefined
  const values: Record<string, CedarValueJson> = {}
  for (const name of wanted === 'all' ? Object.keys(given) : wanted) {
    const value = Object.hasOwn(given, name) ? cedarValue(given[name], 1) : undefined
    if (value !== undefined) set(values, name, value)
  }
  return values
}

/** Undefined for `null`. */
function cedarValue(value: unknown, depth: number): CedarValueJson | undefined {
  if (value === null) return undefined
  if (typeof value === 'string') return value.toWellFormed()
  if (typeof value === 'boolean' || Number.isSafeInteger(value)) return value as boolean | number
  if (typeof value !== 'object' || depth === deepest) return JSON.stringify(value)
  if (Array.isArray(value)) return value.flatMap((item) => cedarValue(item, depth + 1) ?? [])
  if (!isJsonObject(value) || Object.keys(value).some(isReserved)) return JSON.stringify(value)
  const record: Record<string, CedarValueJson> = {}
  for (const [key, inner] of Object.entries(value)) {
    const read = cedarValue(inner, depth + 1)
    if (read !== undefined) set(record, key, read)
  }
  return record
}

/** In an object with such a member the engine would see an entity, or a call of a function. */
function isReserved(key: string): boolean {
  return key === '__entity' || key === '__extn' || key === '__expr'
}

/** Also for `__proto__`. */
function set(record: Record<string, CedarValueJson>, key: string, value: CedarValueJson): void {
  Object.defineProperty(record, key.toWellFormed(), { value, enumerable: true, configurable: true })
}
