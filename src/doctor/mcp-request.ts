import { isJsonObject, type JsonObject, parseJsonObject } from '../core/json-object.ts'
import { eraOf, type Revision } from '../mcp/revisions.ts'
import { version } from '../version.ts'
import type { Question } from './ask.ts'
import { isPage, jsonOf, type Reply } from './reply.ts'

const clientInfo = { name: 'portcullis-doctor', version }
const accept = 'application/json, text/event-stream'

/** The context of a call. */
export interface CallOptions {
  readonly token?: string
  readonly session?: string
  /** The revision that the server agreed to; legacy era, after initialize. */
  readonly agreed?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** The first request of a client that uses a revision. */
export function openingCall(revision: Revision, options: CallOptions = {}): Question {
  if (eraOf(revision) === 'modern') return call(revision, 'server/discover', {}, options)
  const params = { protocolVersion: revision, capabilities: {}, clientInfo }
  return call(revision, 'initialize', params, options)
}

/** A request of a revision, with the headers and `_meta` that its era requires. */
export function call(
  revision: Revision,
  method: string,
  params: JsonObject,
  options: CallOptions = {},
): Question {
  const modern = eraOf(revision) === 'modern'
  const meta = {
    'io.modelcontextprotocol/protocolVersion': revision,
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': clientInfo,
  }
  const name = params['name']
  return {
    method: 'POST',
    headers: {
      ...sessionHeaders(options),
      ...(modern ? { 'mcp-protocol-version': revision, 'mcp-method': method } : {}),
      ...(modern && typeof name === 'string' ? { 'mcp-name': name } : {}),
    },
    json: { jsonrpc: '2.0', id: 1, method, params: modern ? { ...params, _meta: meta } : params },
    enough: (text) => responseIn(text) !== undefined,
  }
}

/** What a legacy client sends after it has been initialized. */
export function initializedNotification(options: CallOptions): Question {
  const json = { jsonrpc: '2.0', method: 'notifications/initialized' }
  return { method: 'POST', headers: sessionHeaders(options), json }
}

/** The headers of every request in a session. */
export function sessionHeaders({ token, session, agreed, headers }: CallOptions): Record<string, string> {
  return {
    accept,
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(session === undefined ? {} : { 'mcp-session-id': session }),
    ...(agreed === undefined ? {} : { 'mcp-protocol-version': agreed }),
    ...headers,
  }
}

/** The JSON-RPC result in an answer, plain or as an event; undefined for errors and everything else. */
export function resultOf(reply: Reply): JsonObject | undefined {
  if (reply.status !== 200 || isPage(reply)) return undefined
  const result = (jsonOf(reply) ?? responseIn(reply.text))?.['result']
  return isJsonObject(result) ? result : undefined
}

/** The JSON-RPC error in an answer, whatever its status. */
export function errorOf(reply: Reply): JsonObject | undefined {
  const error = (jsonOf(reply) ?? responseIn(reply.text))?.['error']
  return isJsonObject(error) ? error : undefined
}

function responseIn(text: string): JsonObject | undefined {
  // In JSON, U+2028 ends no line, as it does for `.`, `^` and `$`.
  for (const [, data] of text.matchAll(/(?:^|[\r\n])data: ?([^\r\n]*)/g)) {
    // Of half an event, or one that is not JSON, the next may be the right one.
    const value = parseJsonObject(data as string)
    if (value !== undefined && ('result' in value || 'error' in value)) return value
  }
  return undefined
}
