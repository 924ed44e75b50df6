import { Refusal } from '../core/errors.ts'
import type { Principal } from '../core/principal.ts'
import type { Exchange } from '../http/exchange.ts'
import { challengeScopes } from './challenge-scopes.ts'
import type { TokenVerifier } from './token-verifier.ts'
import type { Upstream } from './upstream.ts'

/**
 * Who calls, by the access token of this very request (MCP authorization, "Token Handling"):
 * - the token stands in the Authorization header, once; one in the query counts for nothing, or is refused beside it;
 * - it must be valid, for this resource, and not revoked.
 * Throws `token_missing` and `token_invalid` with the challenge for the client, or `token_repeated`.
 */
export async function authenticate(
  tokens: TokenVerifier,
  upstream: Upstream,
  exchange: Exchange,
): Promise<Principal> {
  const token = readToken(exchange)
  if (token === undefined) {
    throw new Refusal('token_missing', { challenge: { scopes: await challengeScopes(upstream, exchange) } })
  }
  try {
    return await tokens.verify(token, upstream.resource)
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'token_invalid') throw error
    const challenge = {
      error: 'invalid_token',
      scopes: await challengeScopes(upstream, exchange),
      description: `${error.reason} (request ${exchange.requestId})`,
    } as const
    throw new Refusal('token_invalid', { ...error.detail, challenge })
  }
}

const bearer = /^bearer +([\w.~+/=-]+) *$/i

function readToken({ head, query }: Exchange): string | undefined {
  if (head.duplicated === 'authorization') throw new Refusal('token_repeated')
  const token = head.authorization === undefined ? undefined : bearer.exec(head.authorization)?.[1]
  if (token !== undefined && /(?:^|&)access_token=/.test(query)) throw new Refusal('token_repeated')
  return token
}
