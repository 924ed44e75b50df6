import type { ScopeSet } from './scope.ts'

/** The caller: the verified content of an access token (RFC 9068 section 2.2). */
export interface Principal {
  readonly issuer: string
  readonly subject: string
  readonly clientId: string
  /** `client` if no user stands behind the token (RFC 9068 section 5): subject and client are the same. */
  readonly kind: 'user' | 'client'
  readonly scopes: ScopeSet
  /** What the issuer says about the subject (RFC 9068 section 2.2.3.1). */
  readonly groups: readonly string[]
  readonly roles: readonly string[]
  readonly audiences: readonly string[]
  /** Seconds since the epoch. */
  readonly issuedAt: number
  readonly expiresAt: number
  readonly tokenId: string | undefined
  /** The ids of the tokens that this one was exchanged for; revoking any of them ends it (RFC 8693). */
  readonly originIds: readonly string[] | undefined
  /** The grant that the token came from; revoking the grant ends it. */
  readonly grantId: string | undefined
  /** The clients whose revocation ends it (`holdersOf`). */
  readonly holders: readonly string[]
  /** The user of an identity provider whose revocation ends it (`holdersOf`). */
  readonly vouchedUser: string | undefined
  /** Who acts for the subject, if the token was handed on (RFC 8693 section 4.1). */
  readonly actor: string | undefined
  /**
   * The thumbprint of the key that the token is bound to (RFC 9449 section 6): the sender must hold the key.
   */
  readonly keyThumbprint: string | undefined
}
