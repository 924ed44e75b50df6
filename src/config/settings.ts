import { z } from 'zod'
import { configSchema } from './schema.ts'

/** One setting: a leaf of the schema, as documentation and the environment see it. */
export interface Setting {
  readonly path: readonly string[]
  readonly type: string
  readonly description: string
  readonly fallback: unknown
  /** The variable that sets it, or undefined where only the file can. */
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
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
}

/** The JSON Schema of the configuration file (draft 2020-12). */
export function jsonSchema(): object {
  return z.toJSONSchema(configSchema, { io: 'input' })
}

/** Every setting, in the order of the schema. Items of a list have the segment `[]`. */
export function listSettings(): Setting[] {
  return walk(jsonSchema(), [])
}

function walk(schema: JsonSchema, path: readonly string[]): Setting[] {
  if (schema.properties !== undefined) {
    return Object.entries(schema.properties).flatMap(([key, child]) => walk(child, [...path, key]))
  }
  if (schema.items?.properties !== undefined) return walk(schema.items, [...path, '[]'])
  return [
    {
      path,
      type:
        schema.items === undefined ? (schema.type ?? 'string') : `list of ${schema.items.type ?? 'string'}`,
      description: schema.description ?? '',
      fallback: schema.default,
      variable: path.includes('[]') ? undefined : variableOf(path),
      values: schema.enum ?? schema.items?.enum,
      range: schema.maximum === undefined ? undefined : `${schema.minimum} to ${schema.maximum}`,
    },
  ]
}

function variableOf(path: readonly string[]): string {
  const words = path.join('_').replaceAll(/[A-Z]/g, (letter) => `_${letter}`)
  return `PORTCULLIS_${words.toUpperCase()}`
}
