import { SignJWT } from 'jose'
import { type Clock, epochSeconds } from '../core/clock.ts'
import type { Principal } from '../core/principal.ts'
import { randomToken } from '../core/secret.ts'
import type { KeyRing } from '../keys/key-ring.ts'

/** A token of the gateway for one MCP server or token server. */
interface IdentityToken {
  readonly token: string
  /** The header that carries it: name and value. */
  readonly headers: readonly string[]
}

/** Mints the tokens that show an MCP server that a request came through the gateway, and on whose behalf. */
export interface IdentityTokens {
  /** A token for a server, which is named by `audience`. Cached per principal. */
  mint(principal: Principal, audience: string): IdentityToken | Promise<IdentityToken>
}

/** The `typ` of identity tokens. No access token has it, so neither can be used as the other. */
const identityTokenType = 'portcullis-identity+jwt'

const lifetimeSeconds = 300
const renewSeconds = 60

interface Minted extends IdentityToken {
  readonly kid: string
  readonly renewAt: number
}

/** Builds the minter. `issuer` identifies the gateway and differs from every authorization server's. */
export function identityTokens(issuer: string, keys: KeyRing, clock: Clock): IdentityTokens {
  const cache = new WeakMap<Principal, Map<string, Minted>>()

  const mintAnew = async (principal: Principal, audience: string): Promise<IdentityToken> => {
    const now = epochSeconds(clock)
    const { signing } = keys
    const { issuer: iss, subject: sub } = principal
    const token = await new SignJWT({
      client_id: principal.clientId,
      scope: principal.scopes.list.join(' '),
      // RFC 9493 section 3.2.3: a subject is meaningful only together with its issuer.
      sub_id: { format: 'iss_sub', iss, sub },
      ...(principal.groups.length === 0 ? {} : { groups: principal.groups }),
      ...(principal.roles.length === 0 ? {} : { roles: principal.roles }),
      ...(principal.actor === undefined ? {} : { act: { sub: principal.actor } }),
    })
      .setProtectedHeader({ alg: signing.algorithm, kid: signing.kid, typ: identityTokenType })
      .setIssuer(issuer)
      .setSubject(sub)
      .setAudience(audience)
      .setIssuedAt(now)
      .setExpirationTime(now + lifetimeSeconds)
      .setJti(randomToken(12))
      .sign(signing.key)
    const minted = {
      token,
      headers: ['Authorization', `Bearer ${token}`],
      kid: signing.kid,
      renewAt: now + lifetimeSeconds - renewSeconds,
    }
    const ofPrincipal = cache.get(principal) ?? new Map<string, Minted>()
    ofPrincipal.set(audience, minted)
    cache.set(principal, ofPrincipal)
    return minted
  }

  return {
    mint(principal, audience) {
      const known = cache.get(principal)?.get(audience)
      return known !== undefined && keys.has(known.kid) && known.renewAt > epochSeconds(clock)
        ? known
        : mintAnew(principal, audience)
    },
  }
}
