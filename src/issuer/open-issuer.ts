import { None } from 'openid-client'
import type { Clock } from '../core/clock.ts'
import type { OperatorFetch } from '../http/operator-fetch.ts'
import { discoverIssuer, IssuerInvalid } from './discover-issuer.ts'
import { type KeptIssuer, keepIssuer } from './kept-issuer.ts'

/** An issuer whose tokens are verified, and the origins that the operator named for it. */
interface NamedIssuer {
  readonly issuer: string
  readonly origins: readonly string[]
}

/** Reads the metadata of an issuer in either form, when it is needed. Sends no requests as a client. */
export function openIssuer(
  named: NamedIssuer,
  { fetch, clock }: { readonly fetch: OperatorFetch; readonly clock: Clock },
): KeptIssuer {
  const access = { ...named, fetch, clientId: 'none', clientAuthentication: None() }
  return keepIssuer(async () => {
    try {
      return await discoverIssuer({ ...access, document: 'oidc' })
    } catch (error) {
      if (!(error instanceof IssuerInvalid)) throw error
      try {
        return await discoverIssuer({ ...access, document: 'oauth2' })
      } catch {
        throw error // if both documents are wrong, the one that most issuers have says more
      }
    }
  }, clock)
}
