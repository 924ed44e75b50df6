import type { JWTPayload } from 'jose'
import { type Clock, epochSeconds } from '../../core/clock.ts'
import type { Principal } from '../../core/principal.ts'
import { type ClaimSource, toPrincipal } from './to-principal.ts'
import { invalidToken, issuerUnavailable } from './token-refusals.ts'
import { clockToleranceSeconds } from './verify-jwt.ts'

/** How an issuer is asked about tokens (RFC 7662). */
export interface Introspection {
  /**
   * Resolves to the issuer's answer about an active token, or otherwise to undefined. Rejects if the issuer
   * does not answer.
   */
  readonly ask: (token: string) => Promise<JWTPayload | undefined>
  /** How long an answer is cached, in seconds. */
  readonly cacheSeconds: number
}

/**
 * Asks an issuer about a token. The answer must name this issuer and this audience; one without an audience
 * is not accepted. Throws `token_invalid` and `keys_unavailable`.
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
    throw issuerUnavailable(reason, source, cause)
  }
  if (answer === undefined) throw invalidToken('token is not active')
  if (answer.iss !== undefined && answer.iss !== source.issuer)
    throw invalidToken('token is from an unknown issuer')
  if (isOtherToken(answer)) throw invalidToken('token is no access token')
  const { iat, exp, nbf } = answer
  if ([iat, exp, nbf].some((date) => typeof (date ?? 0) !== 'number'))
    throw invalidToken('token lacks a claim')
  const now = epochSeconds(clock)
  if (nbf !== undefined && nbf > now + clockToleranceSeconds) throw invalidToken('token not valid yet')
  return toPrincipal({ ...answer, iat: iat ?? now, exp: exp ?? now + cacheSeconds }, source)
}

const otherKinds: ReadonlySet<unknown> = new Set(['refresh', 'refresh_token', 'id', 'id_token'])

/**
 * Whether the issuer says that an active token is not an access token (RFC 7662 section 4): Hydra says so
 * in `token_use`, Keycloak in `typ`, others in `token_type`.
 */
function isOtherToken({ token_use: use, typ, token_type: type }: JWTPayload): boolean {
  return [use, typ, type].some((kind) => typeof kind === 'string' && otherKinds.has(kind.toLowerCase()))
}
