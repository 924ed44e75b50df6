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
 * The scopes that a request without a good token is told to ask for: the server's baseline; all of them where the
 * client speaks a revision in which nobody asks again. Such a client says so in the body of `initialize` alone.
 */
export async function challengeScopes(upstream: Upstream, exchange: Exchange): Promise<readonly string[]> {
  const revision = isRevision(exchange.head.protocolVersion)
    ? exchange.head.protocolVersion
    : await revisionInBody(exchange)
  return scopesFor(upstream, revision)
}

/** The same for a request that was read, and so says what its client speaks. */
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
    if (error instanceof JsonRefused || error instanceof Refusal) return undefined // it gets its 401 all the same
    throw error
  }
}
