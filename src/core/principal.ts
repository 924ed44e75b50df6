import type { ScopeSet } from './scope.ts'

/** Who calls: the verified content of an access token (RFC 9068 section 2.2). */
export interface Principal {
  readonly issuer: string
  readonly subject: string
  readonly clientId: string
  /** `client` where no user stands behind the token (RFC 9068 section 5): subject and client are the same. */
  readonly kind: 'user' | 'client'
  readonly scopes: ScopeSet
  /** What the issuer says of the subject (RFC 9068 section 2.2.3.1). */
  readonly groups: readonly string[]
  readonly roles: readonly string[]
  readonly audiences: readonly string[]
  /** Seconds since the epoch. */
  readonly issuedAt: number
  readonly expiresAt: number
  readonly tokenId: string | undefined
  /** The tokens that this one was exchanged for, by their ids: revoking one of them ends it (RFC 8693). */
  readonly originIds: readonly string[] | undefined
  /** Names the grant that the token came from, so that revoking the grant ends it. */
  readonly grantId: string | undefined
  /** The clients by whose revocation it ends (`holdersOf`). */
  readonly holders: readonly string[]
  /** Names the user of an identity provider by whose revocation it ends (`holdersOf`). */
  readonly vouchedUser: string | undefined
  /** Who acts for the subject, where the token was handed on (RFC 8693 section 4.1). */
  readonly actor: string | undefined
  /** The thumbprint of the key that the token is bound to (RFC 9449 section 6): whoever sends it must hold the key. */
  readonly keyThumbprint: string | undefined
}
