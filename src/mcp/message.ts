import { Refusal } from '../core/errors.ts'
import { isJsonObject, type JsonObject } from '../core/json-object.ts'
import type { Omission } from './json.ts'

/** The id of a JSON-RPC request. MCP forbids null. */
export type RequestId = string | number

/** A JSON-RPC request. */
interface Request {
  readonly kind: 'request'
  readonly id: RequestId
  readonly method: string
  readonly params: JsonObject
}

/** A JSON-RPC notification. */
interface Notification {
  readonly kind: 'notification'
  readonly method: string
  readonly params: JsonObject
}

/** A JSON-RPC response: what a legacy client posts to answer a server's request. */
interface Response {
  readonly kind: 'response'
  readonly id: RequestId
}

/** One JSON-RPC message. */
export type Message = Request | Notification | Response

/** The id by which a client recognizes the answer to a message: that of a request. */
export function requestIdOf(message: Message): RequestId | undefined {
  return message.kind === 'request' ? message.id : undefined
}

/** What a message carries only for the server: it decides nothing here, and can be large. */
export const payload: Omission = new Map<string, Omission>([
  ['params', new Map([['arguments', 'all']])],
  ['result', 'all'],
  ['error', 'all'],
])

/** The same where policies decide by what a tool or a prompt is called with. */
export const payloadBesideArguments: Omission = new Map<string, Omission>([
  ['result', 'all'],
  ['error', 'all'],
])

const noParams: JsonObject = {}
const maxMethodLength = 128

/** Keys that determine what a message means. A key that differs from one of them only by case is refused. */
const envelopeKeys = new Set(['jsonrpc', 'id', 'method', 'params', 'result', 'error'])
const paramsKeys = new Set(['name', 'uri', 'arguments', 'ref', 'taskId', '_meta', 'notifications', 'cursor'])
const foldedParamsKeys = new Set([...paramsKeys].map((key) => key.toLowerCase()))
const refKeys = new Set(['type', 'name', 'uri'])

/**
 * Reads a parsed value as a JSON-RPC 2.0 message, strictly, so that every other parser finds the same message
 * in it. Throws `message_invalid`. The input is untrusted and has passed parseStrictJson.
 */
export function readMessage(value: unknown): Message {
  if (!isJsonObject(value)) return refuse('a message must be an object')
  if (value['jsonrpc'] !== '2.0') return refuse('jsonrpc must be "2.0"')
  refuseLookAlikes(value, envelopeKeys, envelopeKeys)
  const id = readId(value)
  if ('method' in value) return readCall(value, id)
  if (!('result' in value) && !('error' in value))
    return refuse('a message needs a method, a result or an error')
  if ('result' in value && 'error' in value) return refuse('a response has either a result or an error', id)
  if (id === undefined) return refuse('a response needs an id')
  return { kind: 'response', id }
}

function readCall(value: JsonObject, id: RequestId | undefined): Request | Notification {
  const { method, params = noParams } = value
  if ('result' in value || 'error' in value)
    return refuse('a message with a method has no result and no error', id)
  if (
    typeof method !== 'string' ||
    method === '' ||
    method.length > maxMethodLength ||
    !method.isWellFormed()
  ) {
    return refuse('method must be a short string', id)
  }
  if (!isJsonObject(params)) return refuse('params must be an object', id)
  refuseLookAlikes(params, paramsKeys, foldedParamsKeys, id)
  if (isJsonObject(params['ref'])) refuseLookAlikes(params['ref'], refKeys, refKeys, id)
  return id === undefined ? { kind: 'notification', method, params } : { kind: 'request', id, method, params }
}

function readId(value: JsonObject): RequestId | undefined {
  if (!('id' in value)) return undefined
  const { id } = value
  if (typeof id === 'string' && id.isWellFormed()) return id
  if (typeof id === 'number' && Number.isSafeInteger(id)) return id
  return refuse('id must be a string or an integer')
}

/**
 * Some parsers match keys case-insensitively: what they would accept as `method` must be `method`. Keys are
 * folded to upper and then to lower case, since to Go's parser the long s is an s, and the Kelvin sign a k.
 */
function refuseLookAlikes(
  object: JsonObject,
  known: ReadonlySet<string>,
  folded: ReadonlySet<string>,
  id?: RequestId,
): void {
  for (const key in object) {
    if (!known.has(key) && folded.has(key.toUpperCase().toLowerCase())) {
      refuse('a key differs from a known one by case', id)
    }
  }
}

function refuse(explain: string, id?: RequestId): never {
  throw new Refusal('message_invalid', { explain, id })
}
