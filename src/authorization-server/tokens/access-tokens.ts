import { type JWTPayload, jwtVerify } from 'jose'
import type { Client, KoaContextWithOIDC } from 'oidc-provider'
import { type AssertionClaim, holdersOf, isIssuedBefore } from '../../core/revocation.ts'
import { operatorClientField } from '../registration/client-fields.ts'
import type { AuthorizationServerSettings } from '../settings.ts'

/**
 * Revocation (RFC 7009) and introspection (RFC 7662) of our JWT access tokens, which the library refuses
 * after it has authenticated the client. Returns false if the library's answer stands.
 */
export function accessTokenEndpoints(
  settings: AuthorizationServerSettings,
): (context: KoaContextWithOIDC) => Promise<boolean> {
  return async (context) => {
    const { route, client, params } = context.oidc
    const token = params?.['token']
    if (client === undefined || typeof token !== 'string') return false
    if (route !== 'revocation' && route !== 'introspection') return false
    const payload = await verifyAccessToken(settings, token)
    if (route === 'revocation') {
      if (payload?.['client_id'] === client.clientId) await revoke(settings, payload)
      answer(context, {})
      return true
    }
    const allowed =
      payload !== undefined && (payload['client_id'] === client.clientId || mayIntrospectAll(client))
    answer(context, allowed && !(await isRevoked(settings, payload)) ? describe(payload) : { active: false })
    return true
  }
}

/**
 * Whether a client may ask about other clients' tokens: a resource server that the operator has registered
 * and that authenticates itself may; a self-registered client sees only its own.
 */
export function mayIntrospectAll(client: Client): boolean {
  return client.clientAuthMethod !== 'none' && client[operatorClientField] === true
}

/**
 * The content of an access token of ours, as long as it is valid; whether it was revoked is another question.
 * Untrusted.
 */
export async function verifyAccessToken(
  { keys, site, clock }: AuthorizationServerSettings,
  token: string,
): Promise<JWTPayload | undefined> {
  try {
    const options = {
      issuer: site.url,
      typ: 'at+jwt',
      algorithms: [...keys.algorithms],
      currentDate: new Date(clock.now()),
    }
    return (await jwtVerify(token, keys.resolve, options)).payload
  } catch {
    return undefined // to the client an invalid token is an inactive one: RFC 7662 section 2.2
  }
}

async function revoke({ revocations }: AuthorizationServerSettings, payload: JWTPayload): Promise<void> {
  if (payload.jti !== undefined && payload.exp !== undefined) {
    await revocations.add({ kind: 'token', id: payload.jti, expiresAt: payload.exp * 1000 })
  }
}

/** Claims of an access token of ours, which is trusted. */
export interface OriginClaims extends JWTPayload {
  /** The tokens, by `jti`, that this one was exchanged for. */
  readonly origins?: readonly string[]
  /** The name of the grant that it came from. */
  readonly gid?: string
  readonly assertion?: AssertionClaim
}

/** Whether a token, one that it was exchanged for, its grant, or one of its holders was revoked. */
export async function isRevoked(
  { revocations }: AuthorizationServerSettings,
  claims: OriginClaims,
): Promise<boolean> {
  const { jti, origins = [], gid, iat = 0 } = claims
  const { clients, vouchedUser } = holdersOf(claims)
  const wasRevoked = async (kind: 'client' | 'user', id: string): Promise<boolean> => {
    const revokedAt = await revocations.revokedAt(kind, id)
    return revokedAt !== undefined && isIssuedBefore(revokedAt, iat)
  }
  for (const id of clients) if (await wasRevoked('client', id)) return true
  if (vouchedUser !== undefined && (await wasRevoked('user', vouchedUser))) return true
  for (const id of [...origins, jti]) {
    if (typeof id === 'string' && (await revocations.has('token', id))) return true
  }
  return typeof gid === 'string' && (await revocations.has('grant', gid))
}

function describe({ gid: _, origins: __, assertion: ___, ...claims }: OriginClaims): object {
  return { active: true, token_type: claims['cnf'] === undefined ? 'Bearer' : 'DPoP', ...claims }
}

function answer(context: KoaContextWithOIDC, body: object): void {
  context.status = 200
  context.set('Cache-Control', 'no-store')
  context.body = body
}
