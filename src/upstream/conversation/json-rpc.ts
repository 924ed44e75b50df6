import { isJsonObject } from '../../core/json-object.ts'
import type { RequestId } from '../../mcp/message.ts'

/** A JSON object that may be changed on its way through. */
export type Json = Record<string, unknown>

/** The params of a message, if they are an object. Untrusted. */
export function paramsOf(message: Json): Json | undefined {
  return asObject(message['params'])
}

/** The `_meta` of params or of a result, if it is an object. Untrusted. */
export function metaOf(holder: Json | undefined): Json | undefined {
  return asObject(holder?.['_meta'])
}

/** A value as an object, or undefined if it is not one. */
export function asObject(value: unknown): Json | undefined {
  return isJsonObject(value) ? value : undefined
}

/** A JSON-RPC notification or, with an id, a request. */
export function callOf(method: string, params: Json | undefined, id?: RequestId): Json {
  return {
    jsonrpc: '2.0',
    ...(id === undefined ? {} : { id }),
    method,
    ...(params === undefined ? {} : { params }),
  }
}

/** A JSON-RPC answer with a result. */
export function resultOf(id: unknown, result: Json): Json {
  return { jsonrpc: '2.0', id, result }
}

/** A JSON-RPC answer with an error. */
export function errorOf(id: unknown, code: number, message: string, data?: unknown): Json {
  return { jsonrpc: '2.0', id, error: { code, message, ...(data === undefined ? {} : { data }) } }
}
