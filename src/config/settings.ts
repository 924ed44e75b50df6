import { z } from 'zod'
import { variablePlaces } from './reading/variables.ts'
import { configSchema } from './schema.ts'

/** One setting: a leaf of the schema, as seen by documentation and environment. */
export interface Setting {
  readonly path: readonly string[]
  readonly type: string
  readonly description: string
  readonly fallback: unknown
  /** The variable that sets it, or undefined if only the file can. */
  readonly variable: string | undefined
  readonly values: readonly unknown[] | undefined
  /** The bounds of a number, such as `1 to 600`. */
  readonly range: string | undefined
}

interface JsonSchema {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly minimum?: number
  readonly maximum?: number
  readonly pattern?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
}

/** The JSON Schema of the configuration file (draft 2020-12), in which `$NAME` stands for some values. */
export function jsonSchema(): object {
  const schema = z.toJSONSchema(configSchema, { io: 'input' }) as JsonSchema
  return variablePlaces.reduce((whole, { path }) => allowVariable(whole, path), schema)
}

/** The same schema, in which the value at a path may be the name of a variable. */
function allowVariable(schema: JsonSchema, path: readonly string[]): JsonSchema {
  const { anyOf, oneOf, properties, items } = schema
  const inEach = (branches: readonly JsonSchema[]): JsonSchema[] =>
    branches.map((branch) => allowVariable(branch, path))
  if (anyOf !== undefined) return { ...schema, anyOf: inEach(anyOf) }
  if (oneOf !== undefined) return { ...schema, oneOf: inEach(oneOf) }
  const [key, ...rest] = path
  if (key === undefined) {
    const { description, ...value } = schema
    // Any text may be such a name already.
    if (Object.keys(value).length === 1) return schema
    return { ...(description && { description }), anyOf: [value, { type: 'string', pattern: '^\\$.' }] }
  }
  if (key === '[]') return items === undefined ? schema : { ...schema, items: allowVariable(items, rest) }
  const inner = properties?.[key]
  return inner === undefined
    ? schema
    : { ...schema, properties: { ...properties, [key]: allowVariable(inner, rest) } }
}

/** Every setting, in the order of the schema. Items of a list have the segment `[]`. */
export function listSettings(): Setting[] {
  return walk(jsonSchema(), [])
}

function walk(schema: JsonSchema, path: readonly string[]): Setting[] {
  const branches = schema.anyOf ?? schema.oneOf
  if (branches !== undefined) {
    const { description, default: fallback } = schema
    const own = { ...(description && { description }), ...(fallback !== undefined && { default: fallback }) }
    return joinBranches(branches.flatMap((branch) => walk({ ...own, ...branch }, path)))
  }
  if (schema.properties !== undefined) {
    return Object.entries(schema.properties).flatMap(([key, child]) => walk(child, [...path, key]))
  }
  const { items } = schema
  if (items?.properties !== undefined || items?.oneOf !== undefined) return walk(items, [...path, '[]'])
  return [
    {
      path,
      type:
        schema.items === undefined ? (schema.type ?? 'string') : `list of ${schema.items.type ?? 'string'}`,
      description: schema.description ?? '',
      fallback: schema.default,
      variable: path.includes('[]') || schema.type === 'object' ? undefined : variableOf(path),
      values: schema.enum ?? schema.items?.enum ?? (schema.const === undefined ? undefined : [schema.const]),
      range: schema.maximum === undefined ? undefined : `${schema.minimum} to ${schema.maximum}`,
    },
  ]
}

/** What several branches have in common is one setting, with the values and descriptions of all of them. */
function joinBranches(settings: readonly Setting[]): Setting[] {
  const joined = new Map<string, Setting>()
  for (const setting of settings) {
    const name = setting.path.join('.')
    const before = joined.get(name) ?? setting
    const texts = new Set([before.description, setting.description].filter((text) => text !== ''))
    const values = [...new Set([...(before.values ?? []), ...(setting.values ?? [])])]
    joined.set(name, {
      ...before,
      description: [...texts].join(' '),
      values: values.length === 0 ? undefined : values,
    })
  }
  return [...joined.values()]
}

function variableOf(path: readonly string[]): string {
  const words = path.join('_').replaceAll(/[A-Z]/g, (letter) => `_${letter}`)
  return `PORTCULLIS_${words.toUpperCase()}`
}
