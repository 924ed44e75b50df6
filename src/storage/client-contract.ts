/** A client, registered by itself or by an operator, as it is stored. */
export interface StoredClient {
  readonly id: string
  readonly source: 'dynamic' | 'operator'
  /** RFC 7591 metadata, without the secret. */
  readonly metadata: Readonly<Record<string, unknown>>
  /** A keyed hash; undefined for a client without a secret. */
  readonly secretHash: string | undefined
  /** Milliseconds since the epoch, like the other times. */
  readonly createdAt: number
  /** Roughly when it was last used; undefined if never. */
  readonly usedAt: number | undefined
  /** Undefined if it stays until it is removed. */
  readonly expiresAt: number | undefined
}

/** The registered clients of one tenant. */
export interface ClientStore {
  /** Undefined if it has expired, too. */
  find(id: string): Promise<StoredClient | undefined>
  /** All that `find` would find, newest first. */
  list(): Promise<readonly StoredClient[]>
  /**
   * Adds a client, or extends the life of the one with this id. If there are already `ceiling` clients that
   * registered themselves, one that was never used or has expired makes room. Returns false if there is none.
   */
  register(client: StoredClient, ceiling: number | undefined): Promise<boolean>
  /**
   * Records that a client is in use. If it registered itself, it expires at this time unless used again, or up
   * to an hour later, and never sooner.
   */
  markUsed(id: string, expiresAt: number): Promise<void>
  /** Replaces the secret of a client that has one. Returns false for any other client. */
  replaceSecret(id: string, secretHash: string): Promise<boolean>
  /** Returns whether it existed. */
  remove(id: string): Promise<boolean>
  /** Removes what expired before a time, in milliseconds since the epoch. Returns how many. */
  sweep(before: number): Promise<number>
}
