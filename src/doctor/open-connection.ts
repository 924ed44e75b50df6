import type { Visit } from './contract.ts'
import { call, openingCall } from './mcp-request.ts'
import { isSuccess, type Reply } from './reply.ts'

/** How a server responded to a client that opens a connection. */
export interface Opening {
  readonly reply: Reply
  /** The refusal of tools/list, if the opening was accepted and that was not. */
  readonly later?: Reply
}

/**
 * Opens a connection, with or without a token. Some servers accept everybody at first and require a token
 * later.
 */
export async function openConnection(visit: Visit, token?: string): Promise<Opening> {
  const { ask, endpoint, revision } = visit
  const headers = token === undefined ? {} : { token }
  const reply = await ask(endpoint.href, openingCall(revision, headers))
  if (!isSuccess(reply)) return { reply }
  const session = reply.headers['mcp-session-id']
  const options = { ...headers, ...(session === undefined ? {} : { session, agreed: revision }) }
  const later = await ask(endpoint.href, call(revision, 'tools/list', {}, options))
  return later.status === 401 ? { reply, later } : { reply }
}
