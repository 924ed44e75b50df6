import { None } from 'openid-client'
import type { Clock } from '../core/clock.ts'
import type { OperatorFetch } from '../http/operator-fetch.ts'
import { type CachedMetadata, cacheMetadata } from './cached-metadata.ts'
import { discoverIssuer, IssuerAway, IssuerInvalid } from './discover-issuer.ts'

/** An issuer whose tokens are verified, and the origins that the operator named for it. */
interface NamedIssuer {
  readonly issuer: string
  readonly origins: readonly string[]
}

/**
 * The metadata of an issuer, from whichever document it has: that of OpenID Connect Discovery or that of
 * RFC 8414. Nothing is requested as a client of it.
 */
export function issuerMetadata(
  named: NamedIssuer,
  { fetch, clock }: { readonly fetch: OperatorFetch; readonly clock: Clock },
): CachedMetadata {
  const access = { ...named, fetch, clientId: 'none', clientAuthentication: None() }
  return cacheMetadata(async () => {
    try {
      return await discoverIssuer({ ...access, document: 'oidc' })
    } catch (error) {
      if (!(error instanceof IssuerInvalid)) throw error
      try {
        return await discoverIssuer({ ...access, document: 'oauth2' })
      } catch (other) {
        if (other instanceof IssuerAway) throw other // it may have just the document that gets no answer now
        throw error // if both documents are wrong, the one that most issuers have says more
      }
    }
  }, clock)
}
