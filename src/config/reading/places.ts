import { writePath } from '../problems.ts'
import type { ConfigFile } from './file.ts'
import { valueAt } from './valid-part.ts'

/** The settings from one source, with the names that some have besides their path: a flag or a variable. */
export interface Layer {
  readonly values: object
  /** By the path of the setting. */
  readonly names: ReadonlyMap<string, string>
}

/** The flags that set something, by its path. */
export const flagNames: Layer['names'] = new Map([
  ['listen.gateway', '--port'],
  ['publicUrl', '--public-url'],
  ['data', '--data'],
  ['log.level', '--log-level'],
  ['log.format', '--json'],
  ['workers', '--workers'],
  ['upstreams[0].url', '--upstream'],
])

interface Layers {
  readonly base: Layer
  readonly file: ConfigFile
  readonly environment: Layer
  readonly flags: Layer
}

/**
 * Where the value of a path can be fixed: the flag, the variable, or the line of the file that it comes from.
 */
export function placeOf(
  path: readonly PropertyKey[],
  { base, file, environment, flags }: Layers,
): string | undefined {
  return nameIn(flags, path) ?? nameIn(environment, path) ?? file.locate(path) ?? nameIn(base, path)
}

/** A variable with a list also gives its name to the items. */
function nameIn({ values, names }: Layer, path: readonly PropertyKey[]): string | undefined {
  const known = path
    .map((_, depth) => path.slice(0, depth + 1))
    .find((part) => names.has(writePath(part)) && valueAt(values, part) !== undefined)
  return known === undefined ? undefined : names.get(writePath(known))
}
