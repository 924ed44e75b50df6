import { encodeHeaderValue } from '../../mcp/headers.ts'
import { numberText } from '../../mcp/lossless.ts'
import { asObject, type Json } from '../conversation/json-rpc.ts'

/** A tool parameter that a request repeats in its headers. */
interface Declaration {
  readonly path: readonly string[]
  readonly header: string
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const primitive = new Set(['string', 'integer', 'boolean'])
const maxDepth = 16
const maxTools = 2000

/** What a server's tools want repeated in `Mcp-Param-*` headers (MCP 2026-07-28, `x-mcp-header`). */
export interface ParamHeaders {
  /** Learns from the result of `tools/list`, which is untrusted. */
  learn(result: Json): void
  /** The headers of one call, alternating names and values. */
  of(params: Json | undefined): string[]
}

/** Knows nothing at first. */
export function createParamHeaders(): ParamHeaders {
  const known = new Map<string, readonly Declaration[]>()
  return {
    learn({ tools }) {
      if (!Array.isArray(tools)) return
      for (const tool of tools) {
        const { name, inputSchema } = asObject(tool) ?? {}
        if (typeof name !== 'string' || known.size >= maxTools) continue
        known.set(name, declarationsIn(asObject(inputSchema), []))
      }
    },
    of(params) {
      const declarations = known.get(params?.['name'] as string) ?? []
      return declarations.flatMap(({ path, header }) => {
        const text = textOf(valueAt(params?.['arguments'], path))
        return text === undefined ? [] : [`Mcp-Param-${header}`, encodeHeaderValue(text)]
      })
    },
  }
}

/** Nested parameters count only if they are reached through `properties` (DEC4). */
function declarationsIn(schema: Json | undefined, path: readonly string[]): Declaration[] {
  const properties = Object.entries(asObject(schema?.['properties']) ?? {})
  if (path.length >= maxDepth) return []
  return properties.flatMap(([name, child]) => {
    const property = asObject(child)
    const header = property?.['x-mcp-header']
    const own =
      typeof header === 'string' && token.test(header) && primitive.has(property?.['type'] as string)
        ? [{ path: [...path, name], header }]
        : []
    return [...own, ...declarationsIn(property, [...path, name])]
  })
}

function valueAt(holder: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((node, key) => {
    const object = asObject(node)
    return object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined
  }, holder)
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'boolean' ? String(value) : numberText(value)
}
