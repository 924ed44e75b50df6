/** Something that must no longer be accepted, although its signature and lifetime are valid. */
export interface Revocation {
  /**
   * A grant by its name (`grantName`) or one access token by its `jti`; a client by its id or a user of an
   * identity provider by name (`vouchedName`): what they received until then, other than through a grant
   * (`holdersOf`).
   */
  readonly kind: 'grant' | 'token' | 'client' | 'user'
  readonly id: string
  /** When nothing signed can refer to it any more: milliseconds since the epoch. */
  readonly expiresAt: number
  /** Milliseconds since the epoch. */
  readonly revokedAt: number
}

/** The revocations of one tenant. */
export interface RevocationStore {
  /** Revokes as of now; what was already revoked is revoked again. */
  add(revocation: Omit<Revocation, 'revokedAt'>): Promise<void>
  /** Does the same for any number of them, some hundred per statement. */
  addAll(revocations: readonly Omit<Revocation, 'revokedAt'>[]): Promise<void>
  has(kind: Revocation['kind'], id: string): Promise<boolean>
  /** When a client or user was last revoked, unless that has been swept. */
  revokedAt(kind: 'client' | 'user', id: string): Promise<number | undefined>
  /** Those made at or after a time, in milliseconds since the epoch, that have not been swept. */
  since(time: number): Promise<readonly Revocation[]>
  /**
   * Calls back for each revocation that this process makes, as soon as it is written, and for those of others
   * as soon as they are received: immediately if the engine supports it, but never guaranteed. Its own ones
   * may come a second time. Returns a function that stops it.
   */
  subscribe(listener: (revocation: Revocation) => void): () => void
  /** Removes what expired before a time, in milliseconds since the epoch. Returns how many. */
  sweep(before: number): Promise<number>
}
