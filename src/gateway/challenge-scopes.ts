import { Refusal } from '../core/errors.ts'
import { ScopeSet } from '../core/scope.ts'
import { readBody } from '../http/body.ts'
import type { Exchange } from '../http/exchange.ts'
import { requestedRevision } from '../mcp/era.ts'
import { JsonRefused, parseStrictJson } from '../mcp/json.ts'
import { type Message, readMessage } from '../mcp/message.ts'
import { scopesOf } from '../mcp/methods.ts'
import { assumedRevision, eraOf, isRevision, lacksStepUp, type Revision } from '../mcp/revisions.ts'
import type { Upstream } from './upstream.ts'

const peekBytes = 16 * 1024
const peekDepth = 16

/**
 * The scopes that a request without a valid token is told to request: the server's baseline, or all of them
 * if the client speaks a revision without step-up, which it says only in the body of `initialize`; and what
 * this very request needs, since some clients repeat it with the token that they get, and step up no more.
 */
export async function challengeScopes(upstream: Upstream, exchange: Exchange): Promise<readonly string[]> {
  const { protocolVersion } = exchange.head
  const message = await peek(exchange)
  const revision = isRevision(protocolVersion) ? protocolVersion : message && requestedRevision(message)
  const scopes = scopesFor(upstream, revision)
  const needed = message === undefined ? [] : neededBy(message, upstream, revision)
  return [...scopes, ...new ScopeSet(scopes).missing(needed)]
}

/** The same for a request that has been read, so that its revision is known. */
export function scopesFor(upstream: Upstream, revision: Revision | undefined): readonly string[] {
  return revision !== undefined && lacksStepUp(revision) ? upstream.allScopes : upstream.baselineScopes
}

function neededBy(
  message: Message,
  { findMethod }: Upstream,
  revision: Revision = assumedRevision,
): readonly string[] {
  if (message.kind === 'response') return []
  const row = findMethod(message.method, message.kind, eraOf(revision))
  return (row && scopesOf(row, message.params)) ?? []
}

/** The message in a short body; undefined where there is none, or where it is none. */
async function peek({ req, head }: Exchange): Promise<Message | undefined> {
  const length = Number(head.contentLength ?? Number.NaN)
  if (req.method !== 'POST' || !(length <= peekBytes)) return undefined
  const body = await readBody(req, peekBytes)
  try {
    return readMessage(parseStrictJson(body.toString(), peekDepth))
  } catch (error) {
    if (error instanceof JsonRefused || error instanceof Refusal) return undefined // it gets its 401 anyway
    throw error
  }
}
