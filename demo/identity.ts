import type { IncomingMessage } from 'node:http'
import type { AuthInfo } from '@modelcontextprotocol/server'
import { createRemoteJWKSet, jwtVerify } from 'jose'

/** Returns who is calling; undefined for a request that did not come through the gateway. */
export type IdentityCheck = (req: IncomingMessage) => Promise<AuthInfo | undefined>

interface IdentityOptions {
  /** The `iss` of the gateway's identity tokens. */
  readonly issuer: string
  readonly jwksUrl: string
  /** This server's own URL. */
  readonly audience: string
}

/** Checks the identity token that the gateway sends with every request. */
export function identityCheck({ issuer, jwksUrl, audience }: IdentityOptions): IdentityCheck {
  const keys = createRemoteJWKSet(new URL(jwksUrl))
  return async (req) => {
    const token = /^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1]
    if (token === undefined) return undefined
    try {
      const { payload } = await jwtVerify(token, keys, { issuer, audience, typ: 'portcullis-identity+jwt' })
      const scopes = typeof payload['scope'] === 'string' ? payload['scope'].split(' ') : []
      return { token, clientId: String(payload['client_id']), scopes, extra: { subject: payload['sub_id'] } }
    } catch {
      return undefined // whoever sent it, it was not the gateway
    }
  }
}
