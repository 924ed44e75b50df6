import type { Claims } from '../core/claims.ts'
import type { Account, LoginRefused } from './contract.ts'

/** One visit of a browser to an identity provider, from our page to the callback. The values are secrets. */
export interface LoginAttempt {
  readonly state: string
  readonly nonce: string
  /** Of PKCE (RFC 7636). */
  readonly verifier: string
}

/** An identity provider with which users log in. */
export interface LoginProvider {
  /** Its name in the configuration and in its callback URL. */
  readonly name: string
  /** Its name for users. */
  readonly label: string
  /** The host to which a browser is sent, as shown to users. */
  readonly host: string
  /** The scopes that are requested from it. */
  readonly scopes: readonly string[]
  /** Where to send a browser. `fresh`: the user must log in there again. Throws ProviderAway. */
  authorizationUrl(attempt: LoginAttempt, how: { readonly fresh: boolean }): Promise<URL>
  /**
   * Redeems the response and checks state, issuer (RFC 9207), code with PKCE, and signature, audience and
   * nonce of the ID token. `query` is untrusted. Throws ProviderAway and ProviderRefused.
   */
  redeem(query: string, attempt: LoginAttempt): Promise<ProvenIdentity>
  /**
   * Asks whether the provider still vouches for a user, whom it knows as `known`. Throws ProviderAway, and
   * ProviderRefused if it does not, or if the user is from another issuer, since that issuer's credential
   * must not be disclosed to this one.
   */
  renew(credential: string, known: Pick<ProvenIdentity, 'issuer' | 'subject'>): Promise<RenewedIdentity>
  /** Where a user ends their session there, and is sent back; undefined if there is no such page. */
  logoutUrl(): Promise<URL | undefined>
}

/** What a provider proved. The user is identified by issuer and subject together, and nothing else. */
export interface ProvenIdentity {
  readonly issuer: string
  readonly subject: string
  /** Further claims, unchecked. */
  readonly claims: Claims
  /** A secret with which it can be asked again. */
  readonly credential: string | undefined
}

/** What a provider gave when it said yes. */
export interface RenewedIdentity {
  /** With what it can be asked the next time. */
  readonly credential: string
  /** What it now says of the user, if anything; issuer and subject must not have changed. */
  readonly identity: Pick<ProvenIdentity, 'issuer' | 'subject' | 'claims'> | undefined
}

/** A provider does not answer, or not correctly. The message is for the operator. */
export class ProviderAway extends Error {
  readonly #credential: string | undefined

  constructor(message: string, options?: ErrorOptions & { readonly credential?: string | undefined }) {
    super(message, options)
    this.name = 'ProviderAway'
    this.#credential = options?.credential
  }

  /**
   * A credential that it gave before it stopped answering, with which it can be asked again: the previous one
   * may be used up. A secret, which nothing that prints an error sees.
   */
  get credential(): string | undefined {
    return this.#credential
  }
}

/** A provider says no, or what it says is not valid. The message is for the operator. */
export class ProviderRefused extends Error {
  /** An error code from the provider, such as `access_denied`. Untrusted. */
  readonly code: string | undefined

  constructor(message: string, options?: ErrorOptions & { readonly code?: string | undefined }) {
    super(message, options)
    this.name = 'ProviderRefused'
    this.code = options?.code
  }
}

/** Login with identity providers. */
export interface Federation {
  /** In the order in which they are offered. */
  readonly providers: readonly LoginProvider[]
  /** The user who came back from a provider. A refusal is for the user; throws ProviderAway. */
  finish(provider: LoginProvider, query: string, attempt: LoginAttempt): Promise<Account | LoginRefused>
}
