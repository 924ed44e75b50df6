import { isDeepStrictEqual } from 'node:util'
import { isJsonObject } from '../core/json-object.ts'
import type { Problem } from './problems.ts'
import type { Config } from './schema.ts'

/** Settings of what is opened only once, when a process starts. */
const settledAtStart = [
  'mode',
  'publicUrl',
  'listen',
  'workers',
  'data',
  'secret',
  'store',
  'login.users',
  'authorizationServer',
  'tokens.signingAlgorithm',
  'limits.redis',
  'limits.headerBytes',
  'limits.headSeconds',
  'limits.requestSeconds',
  'traces',
  'log.format',
  'audit',
] as const

/**
 * The names of the settings in which two configurations differ, such as `upstreams[files].url`. Never a
 * value.
 */
export function changedSettings(before: Config, after: Config): string[] {
  // What is withheld from a server is no setting, but what `*` in its environment means.
  const paths = compare(before, after, '').map((path) =>
    path.replace(/(?<=\bupstreams\[[^\]]*\]\.)withheld$/, 'environment'),
  )
  return [...new Set(paths)]
}

/** Those of these settings that only take effect when a process starts, as problems. */
export function needingRestart(changed: readonly string[]): Problem[] {
  return changed
    .filter(needsRestart)
    .map((path) => ({ path, message: 'has changed: restart the server to use the new value' }))
}

function needsRestart(path: string): boolean {
  const ofTenant = /^tenants\[[^\]]*\](?:\.(.+))?$/.exec(path)
  if (ofTenant === null) return isSettled(path)
  // Without a setting, the whole tenant was added or removed.
  const [, setting] = ofTenant
  return setting !== undefined && (setting === 'host' || isSettled(setting))
}

function isSettled(name: string): boolean {
  return settledAtStart.some((settled) => name === settled || name.startsWith(`${settled}.`))
}

function compare(before: unknown, after: unknown, path: string): string[] {
  if (isDeepStrictEqual(before, after)) return []
  if (isJsonObject(before) && isJsonObject(after)) {
    return compareMembers(new Map(Object.entries(before)), new Map(Object.entries(after)), (key) =>
      path === '' ? key : `${path}.${key}`,
    )
  }
  const [named, renamed] = [byName(before), byName(after)]
  if (named === undefined || renamed === undefined) return [path]
  const changed = compareMembers(named, renamed, (key) => `${path}[${key}]`)
  // Otherwise only the order has changed.
  return changed.length === 0 ? [path] : changed
}

function compareMembers(
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
  pathOf: (key: string) => string,
): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((key) =>
    compare(before.get(key), after.get(key), pathOf(key)),
  )
}

/** The items of a list by name; undefined if they have no names. */
function byName(list: unknown): ReadonlyMap<string, unknown> | undefined {
  if (!Array.isArray(list)) return undefined
  const entries = list.map((item: unknown) => {
    const { name, id, issuer } = isJsonObject(item) ? item : {}
    return [name ?? id ?? issuer, item] as const
  })
  const names = new Set(entries.map(([name]) => name))
  if (names.size < entries.length || [...names].some((name) => typeof name !== 'string')) return undefined
  return new Map(entries as [string, unknown][])
}
