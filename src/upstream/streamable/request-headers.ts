import { encodeHeaderValue } from '../../mcp/headers.ts'
import { findMethod } from '../../mcp/methods.ts'
import { type Era, newest } from '../../mcp/revisions.ts'
import { type Json, paramsOf } from '../conversation/json-rpc.ts'

/** What the session of a legacy server adds to each request. */
export interface LegacySession {
  /** The server's own id, if it gave one. */
  id: string | undefined
  /** The revision, once both have agreed on it. */
  revision: string | undefined
}

/** The headers of Streamable HTTP that go with a message, alternating names and values (MCP transports). */
export function messageHeaders(message: Json, era: Era, session: LegacySession): string[] {
  const headers = ['Content-Type', 'application/json', 'Accept', 'application/json, text/event-stream']
  return [...headers, ...(era === 'modern' ? mirrored(message) : sessionHeaders(session))]
}

/** The headers by which a legacy server recognizes its session. */
export function sessionHeaders({ id, revision }: LegacySession): string[] {
  return [
    ...(id === undefined ? [] : ['Mcp-Session-Id', id]),
    ...(revision === undefined ? [] : ['MCP-Protocol-Version', revision]),
  ]
}

/** The parts of the body that a modern request repeats in its headers ("Standard Request Headers"). */
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
