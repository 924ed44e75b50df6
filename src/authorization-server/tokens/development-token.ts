import { SignJWT } from 'jose'
import { type Clock, epochSeconds } from '../../core/clock.ts'
import { randomToken } from '../../core/secret.ts'
import type { KeyRing } from '../../keys/key-ring.ts'

interface DevelopmentToken {
  readonly issuer: string
  readonly resource: string
  readonly user: string
  /** Space-delimited. */
  readonly scope: string
  readonly lifetimeSeconds: number
}

/** Signs an access token (RFC 9068) that no client asked for. For a developer at the machine itself. */
export async function mintDevelopmentToken(
  keys: KeyRing,
  clock: Clock,
  token: DevelopmentToken,
): Promise<string> {
  const now = epochSeconds(clock)
  const { signing } = keys
  return new SignJWT({ client_id: 'portcullis-cli', scope: token.scope })
    .setProtectedHeader({ alg: signing.algorithm, kid: signing.kid, typ: 'at+jwt' })
    .setIssuer(token.issuer)
    .setSubject(token.user)
    .setAudience(token.resource)
    .setIssuedAt(now)
    .setExpirationTime(now + token.lifetimeSeconds)
    .setJti(randomToken(16))
    .sign(signing.key)
}
