import type { CedarValueJson } from '@cedar-policy/cedar-wasm/nodejs'
import { isJsonObject, type JsonObject } from '../../core/json-object.ts'

/** The engine reads values recursively, and no argument that a policy looks into is nested so deeply. */
const deepest = 16

/** Reading more takes noticeable time, and no argument that a policy looks into has so many values. */
const mostValues = 10_000

/** What policies look at in arguments. */
export interface ArgumentMentions {
  /** The arguments, by name. */
  readonly arguments: ReadonlySet<string> | 'all'
  /** Every member that is looked for in arguments, or in what they contain. */
  readonly argumentMembers: ReadonlySet<string>
}

/** Arguments as policies see them, or why those cannot be judged. */
export type ReadArguments =
  | { readonly kind: 'read'; readonly values: Readonly<Record<string, CedarValueJson>> }
  | { readonly kind: 'unreadable'; readonly why: string }

/**
 * Makes a reader for the arguments that policies look at, as Cedar values: strings, booleans, whole numbers, sets and
 * records; `null` is absent. What Cedar has no value for, such as 1.5, is its JSON text, so that it is there, and
 * equals nothing by chance. Unreadable is what would be no record to the engine, what is too much, and what servers
 * could understand otherwise. The input of the reader is untrusted.
 */
export function argumentReader(mentions: ArgumentMentions): (given: JsonObject) => ReadArguments {
  const { arguments: wanted, argumentMembers: members } = mentions
  const folded = new Map([...members].map((name) => [fold(name), name]))
  return (given) => {
    let left = mostValues
    let lookAlike: string | undefined
    const findLookAlike = (names: readonly string[]): void => {
      for (const name of names) if (!members.has(name)) lookAlike ??= folded.get(fold(name))
    }
    /** Undefined for `null`. */
    const cedarValue = (value: unknown, depth: number): CedarValueJson | undefined => {
      if (value === null || left-- <= 0) return undefined
      if (typeof value === 'string') return value.toWellFormed()
      if (typeof value === 'boolean' || Number.isSafeInteger(value)) return value as boolean | number
      if (typeof value !== 'object' || depth === deepest) return JSON.stringify(value)
      if (Array.isArray(value)) return value.flatMap((item) => cedarValue(item, depth + 1) ?? [])
      if (!isJsonObject(value)) return JSON.stringify(value)
      const names = Object.keys(value)
      findLookAlike(names)
      if (names.some(isReserved)) return JSON.stringify(value)
      return cedarRecord(value, names, depth)
    }
    const cedarRecord = (
      object: JsonObject,
      names: Iterable<string>,
      depth: number,
    ): Record<string, CedarValueJson> => {
      const record: Record<string, CedarValueJson> = {}
      for (const name of names) {
        const value = Object.hasOwn(object, name) ? cedarValue(object[name], depth + 1) : undefined
        if (value !== undefined) set(record, name, value)
      }
      return record
    }
    const names = Object.keys(given)
    if (names.some(isReserved)) return unreadable('one has a name that means something to the engine')
    findLookAlike(names)
    const values = cedarRecord(given, wanted === 'all' ? names : wanted, 0)
    if (lookAlike !== undefined)
      return unreadable(`the name of one differs from ${JSON.stringify(lookAlike)} by case alone`)
    return left < 0 ? unreadable(`they have more than ${mostValues} values`) : { kind: 'read', values }
  }
}

function unreadable(why: string): ReadArguments {
  return { kind: 'unreadable', why }
}

/** Some servers take `Mode` for `mode`; to Go's parser the long s is an s, and the Kelvin sign a k. */
function fold(name: string): string {
  return name.toUpperCase().toLowerCase()
}

/** In an object with such a member the engine would see an entity, or a call of a function. */
function isReserved(key: string): boolean {
  return key === '__entity' || key === '__extn' || key === '__expr'
}

/** Also for `__proto__`. */
function set(record: Record<string, CedarValueJson>, key: string, value: CedarValueJson): void {
  Object.defineProperty(record, key.toWellFormed(), { value, enumerable: true, configurable: true })
}
