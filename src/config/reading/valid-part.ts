import type { z } from 'zod'
import { isJsonObject } from '../../core/json-object.ts'
import { writePath } from '../problems.ts'
import { configSchema, type ParsedConfig } from '../schema.ts'

type Path = readonly PropertyKey[]

/**
 * The part of a configuration that is valid by itself, so that the rules between settings can be checked for
 * it.
 */
export interface ValidPart {
  readonly config: Partial<ParsedConfig>
  /** Translates a path in this part, whose lists have fewer items, to a path in the whole configuration. */
  readonly pathInWhole: (path: Path) => Path
}

/**
 * Leaves out what the schema rejects: the list item, or the setting if it is not in a list. Reports nothing,
 * since parsing the whole has already done so.
 */
export function validPart(whole: object): ValidPart {
  const leftOut = new Set<string>()
  const pathInWhole = (path: Path): Path => {
    const found: PropertyKey[] = []
    for (const key of path) found.push(typeof key === 'number' ? indexInWhole(leftOut, found, key) : key)
    return found
  }
  /** The value of a setting, once all items that are wrong are left out; undefined if that is not enough. */
  const parse = (key: string, field: z.ZodType): unknown => {
    const value = without(leftOut, valueAt(whole, [key]), [key])
    const { data, error } = field.safeParse(value)
    if (error === undefined) return data
    const items = error.issues.map(({ path }) => wrongItem(value, path))
    if (!items.every((item) => item !== undefined)) return undefined
    const paths = items.map((item) => writePath(pathInWhole([key, ...item])))
    for (const path of paths) leftOut.add(path)
    return parse(key, field)
  }
  const settings = Object.entries(configSchema.shape).map(([key, field]) => [key, parse(key, field)] as const)
  return { config: Object.fromEntries(settings.filter(([, value]) => value !== undefined)), pathInWhole }
}

/** The value at a path, or undefined. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, key) => {
    const isThere = typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key)
    return isThere ? (inner as Record<PropertyKey, unknown>)[key] : undefined
  }, value)
}

/**
 * The innermost item with settings that an issue is about, or else the outermost item; undefined outside of
 * lists.
 */
function wrongItem(value: unknown, path: Path): Path | undefined {
  const items = path.flatMap((key, depth) => (typeof key === 'number' ? [path.slice(0, depth + 1)] : []))
  return items.findLast((item) => isJsonObject(valueAt(value, item))) ?? items[0]
}

/** A copy without the items at certain paths. */
function without(paths: ReadonlySet<string>, value: unknown, at: Path): unknown {
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown, index) => {
      const path = [...at, index]
      return paths.has(writePath(path)) ? [] : [without(paths, item, path)]
    })
  }
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, without(paths, inner, [...at, key])]),
  )
}

function indexInWhole(leftOut: ReadonlySet<string>, list: Path, position: number): number {
  let index = 0
  for (let before = 0; ; index++) {
    if (leftOut.has(writePath([...list, index]))) continue
    if (before === position) return index
    before++
  }
}
