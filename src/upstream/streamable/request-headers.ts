import { encodeHeaderValue } from '../../mcp/headers.ts'
import { findMethod } from '../../mcp/methods.ts'
import { type Era, newest } from '../../mcp/revisions.ts'
import { type Json, paramsOf } from '../conversation/json-rpc.ts'

/** What a session of a legacy server adds to each request. */
export interface LegacySession {
  /** The server's own id, where it gave one. */
  id: string | undefined
  /** The revision that both agreed on, once they have. */
  revision: string | undefined
}

/** The headers of Streamable HTTP that go with a message: names and values, alternating (MCP transports). */
export function messageHeaders(message: Json, era: Era, session: LegacySession): string[] {
  const headers = ['Content-Type', 'application/json', 'Accept', 'application/json, text/event-stream']
  return [...headers, ...(era === 'modern' ? mirrored(message) : sessionHeaders(session))]
}

/** The headers by which a legacy server knows its session. */
export function sessionHeaders({ id, revision }: LegacySession): string[] {
  return [
    ...(id === undefined ? [] : ['Mcp-Session-Id', id]),
    ...(revision === undefined ? [] : ['MCP-Protocol-Version', revision]),
  ]
}

/** The parts of the body that a modern request repeats in its head ("Standard Request Headers"). */
function mirrored(message: Json): string[] {
  const headers = ['MCP-Protocol-Version', newest.modern]
  const method = message['method']
  if (typeof method !== 'string') return headers
  headers.push('Mcp-Method', method)
  const row = findMethod(method, message['id'] === undefined ? 'notification' : 'request', 'modern')
  const name = row?.nameParam === undefined ? undefined : paramsOf(message)?.[row.nameParam]
  if (typeof name === 'string') headers.push('Mcp-Name', encodeHeaderValue(name))
  return headers
}
