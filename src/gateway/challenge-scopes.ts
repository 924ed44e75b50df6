import { Refusal } from '../core/errors.ts'
import { readBody } from '../http/body.ts'
import type { Exchange } from '../http/exchange.ts'
import { requestedRevision } from '../mcp/era.ts'
import { JsonRefused, parseStrictJson } from '../mcp/json.ts'
import { type Message, readMessage } from '../mcp/message.ts'
import { scopesOf } from '../mcp/methods.ts'
import { assumedRevision, eraOf, isRevision, lacksStepUp, type Revision } from '../mcp/revisions.ts'
import type { MethodCall } from './call.ts'
import type { TokenVerifier } from './token/token-verifier.ts'
import type { Upstream } from './upstream.ts'

const peekBytes = 16 * 1024
const peekDepth = 16

type Tokens = Pick<TokenVerifier, 'lacking'>

/** What is known of a request that is challenged. */
interface Asked {
  readonly revision: Revision | undefined
  readonly methods: readonly MethodCall[]
}

/** The scopes that a request without a valid token is told to request, as far as a look at it says. */
export async function challengeScopes(
  tokens: Tokens,
  upstream: Upstream,
  exchange: Exchange,
): Promise<readonly string[]> {
  const { protocolVersion } = exchange.head
  const message = await peek(exchange)
  const revision = isRevision(protocolVersion) ? protocolVersion : message && requestedRevision(message)
  const methods = message === undefined ? [] : methodsOf(message, upstream, revision)
  return scopesFor(tokens, upstream, { revision, methods })
}

/**
 * The server's baseline, and what a token with that lacks: for this very request, since some clients repeat it with
 * the token that they get, and step up no more; or for everything, if the client speaks a revision without step-up,
 * which it says only in the body of `initialize`. A scope that the issuer may not know would be refused by it.
 */
export function scopesFor(
  tokens: Tokens,
  { baselineScopes, allScopes }: Upstream,
  { revision, methods }: Asked,
): readonly string[] {
  const lacksMore = revision !== undefined && lacksStepUp(revision)
  const needed = lacksMore ? allScopes : methods.flatMap(({ row, params }) => scopesOf(row, params) ?? [])
  return [...new Set([...baselineScopes, ...tokens.lacking(baselineScopes, needed)])]
}

function methodsOf(
  message: Message,
  { findMethod }: Upstream,
  revision: Revision = assumedRevision,
): readonly MethodCall[] {
  if (message.kind === 'response') return []
  const row = findMethod(message.method, message.kind, eraOf(revision))
  return row === undefined ? [] : [{ row, params: message.params }]
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
