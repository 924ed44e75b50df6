import type { Claims } from '../core/claims.ts'
import type { Account, LoginRefused } from './contract.ts'

/** One visit of a browser to an identity provider, from our page to the callback. The values are secrets. */
export interface LoginAttempt {
  readonly state: string
  readonly nonce: string
  /** Of PKCE (RFC 7636). */
  readonly verifier: string
}

/** An identity provider at which people log in. */
export interface LoginProvider {
  /** Its name in the configuration and in the URL of its callback. */
  readonly name: string
  /** What people call it. */
  readonly label: string
  /** Where a browser that is sent there arrives, as people know it. */
  readonly host: string
  /** What is asked of it: scopes. */
  readonly scopes: readonly string[]
  /** Where to send a browser. `fresh`: the person must log in there anew. Throws ProviderAway. */
  authorizationUrl(attempt: LoginAttempt, fresh: boolean): Promise<URL>
  /**
   * Redeems what came back: state, issuer (RFC 9207), code with PKCE, signature, audience and nonce of the ID token.
   * `query` is untrusted. Throws ProviderAway and ProviderRefused.
   */
  redeem(query: string, attempt: LoginAttempt): Promise<ProvenIdentity>
  /**
   * Asks whether the provider still vouches for a user, whom it knows as `known`. Throws ProviderAway, and ProviderRefused
   * when it does not, or where the user is of another issuer: that one's credential is not shown to this one.
   */
  renew(credential: string, known: Pick<ProvenIdentity, 'issuer' | 'subject'>): Promise<RenewedIdentity>
  /** Where somebody ends their session there, and comes back from; undefined where there is no such page. */
  logoutUrl(): Promise<URL | undefined>
}

/** What a provider proved. Who it is are issuer and subject together, and nothing else. */
export interface ProvenIdentity {
  readonly issuer: string
  readonly subject: string
  /** What else it says, unchecked. */
  readonly claims: Claims
  /** With what it can be asked again. A secret. */
  readonly credential: string | undefined
}

/** What a provider gave with its yes. */
interface RenewedIdentity {
  /** With what it can be asked the next time. */
  readonly credential: string
  /** What it says now, where it says it anew; who it is must not have changed. */
  readonly identity: Pick<ProvenIdentity, 'issuer' | 'subject' | 'claims'> | undefined
}

/** A provider does not answer, or not as it should. The message is for the operator. */
export class ProviderAway extends Error {
  /** What it gave before it fell silent, with which it can be asked again: the one of before may be used up. A secret. */
  readonly credential: string | undefined

  constructor(message: string, options?: ErrorOptions & { readonly credential?: string | undefined }) {
    super(message, options)
    this.name = 'ProviderAway'
    this.credential = options?.credential
  }
}

/** A provider says no, or what it says does not hold. The message is for the operator. */
export class ProviderRefused extends Error {
  /** An error that the provider named, such as `access_denied`. Untrusted. */
  readonly code: string | undefined

  constructor(message: string, options?: ErrorOptions & { readonly code?: string | undefined }) {
    super(message, options)
    this.name = 'ProviderRefused'
    this.code = options?.code
  }
}

/** Logging in at identity providers. */
export interface Federation {
  /** In the order in which they are offered. */
  readonly providers: readonly LoginProvider[]
  /** Who came back from a provider. A refusal is for the person; throws ProviderAway. */
  finish(provider: LoginProvider, query: string, attempt: LoginAttempt): Promise<Account | LoginRefused>
}
