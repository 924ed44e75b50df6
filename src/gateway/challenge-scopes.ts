import { Refusal } from '../core/errors.ts'
import { readBody } from '../http/body.ts'
import type { Exchange } from '../http/exchange.ts'
import { requestedRevision } from '../mcp/era.ts'
import { JsonRefused, parseStrictJson } from '../mcp/json.ts'
import { readMessage } from '../mcp/message.ts'
import { isRevision, lacksStepUp, type Revision } from '../mcp/revisions.ts'
import type { Upstream } from './upstream.ts'

const peekBytes = 16 * 1024
const peekDepth = 16

/**
 * The scopes that a request without a valid token is told to request: the server's baseline, or all of them
 * if the client speaks a revision without step-up. Such a client says so only in the body of `initialize`.
 */
export async function challengeScopes(upstream: Upstream, exchange: Exchange): Promise<readonly string[]> {
  const revision = isRevision(exchange.head.protocolVersion)
    ? exchange.head.protocolVersion
    : await revisionInBody(exchange)
  return scopesFor(upstream, revision)
}

/** The same for a request that has been read, so that its revision is known. */
export function scopesFor(upstream: Upstream, revision: Revision | undefined): readonly string[] {
  return revision !== undefined && lacksStepUp(revision) ? upstream.allScopes : upstream.baselineScopes
}

async function revisionInBody({ req, head }: Exchange): Promise<Revision | undefined> {
  const length = Number(head.contentLength ?? Number.NaN)
  if (req.method !== 'POST' || head.protocolVersion !== undefined || !(length <= peekBytes)) return undefined
  const body = await readBody(req, peekBytes)
  try {
    return requestedRevision(readMessage(parseStrictJson(body.toString(), peekDepth)))
  } catch (error) {
    if (error instanceof JsonRefused || error instanceof Refusal) return undefined // it gets its 401 anyway
    throw error
  }
}
