import type { JWTPayload } from 'jose'
import { type Clock, epochSeconds } from '../core/clock.ts'
import type { Principal } from '../core/principal.ts'
import { type ClaimSource, invalidToken, keysUnavailable, toPrincipal } from './to-principal.ts'

/** How an issuer is asked about tokens (RFC 7662). */
export interface Introspection {
  /** Resolves to what the issuer says of an active token, or to undefined. Rejects where it does not answer. */
  readonly ask: (token: string) => Promise<JWTPayload | undefined>
  /** How long an answer counts, in seconds. */
  readonly cacheSeconds: number
}

/**
 * Asks an issuer about a token. What it says must be about itself and about this audience as well: an answer without an
 * audience is for nobody. Throws `token_invalid` and `keys_unavailable`.
 */
export async function introspectToken(
  token: string,
  source: ClaimSource,
  { ask, cacheSeconds }: Introspection,
  clock: Clock,
): Promise<Principal> {
  let answer: JWTPayload | undefined
  try {
    answer = await ask(token)
  } catch (cause) {
    const reason = 'the issuer cannot be asked about tokens'
    throw keysUnavailable(reason, source, cause)
  }
  if (answer === undefined) throw invalidToken('token is not active')
  if (answer.iss !== undefined && answer.iss !== source.issuer)
    throw invalidToken('token is from an unknown issuer')
  const now = epochSeconds(clock)
  if (answer.nbf !== undefined && answer.nbf > now) throw invalidToken('token not valid yet')
  return toPrincipal({ ...answer, iat: answer.iat ?? now, exp: answer.exp ?? now + cacheSeconds }, source)
}
