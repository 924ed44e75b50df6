/** A private key that is new to the store. Times are milliseconds since the epoch. */
export interface NewKey {
  readonly purpose: string
  readonly kid: string
  readonly algorithm: string
  readonly privateJwk: Readonly<Record<string, unknown>>
  readonly createdAt: number
}

/** A private key as it is stored. */
export interface StoredKey extends NewKey {
  /** Its place in the sequence of keys of its purpose and algorithm. */
  readonly generation: number
  /** Verifiers know the key before this time. */
  readonly signsFrom: number
  /** When nothing signed with it is valid any more; undefined until another key has replaced it. */
  readonly endsAt: number | undefined
}

/** The signing keys of one tenant. */
export interface KeyStore {
  /** Newest first. */
  list(purpose: string): Promise<readonly StoredKey[]>
  /**
   * Adds a key that signs at once, unless its algorithm has one that has not ended. Returns the one that there
   * is then.
   */
  addFirst(key: NewKey): Promise<StoredKey>
  /**
   * Adds a key at a place in its sequence, unless the place is taken; true for only one of concurrent calls.
   */
  add(key: NewKey, place: Pick<StoredKey, 'generation' | 'signsFrom'>): Promise<boolean>
  /** Lets a key sign from a given time on, unless it already does so earlier. */
  advance(purpose: string, kid: string, signsFrom: number): Promise<void>
  /** Ends keys at a given time, unless they end earlier. Returns how many this changed. */
  end(purpose: string, kids: readonly string[], endsAt: number): Promise<number>
  /** Removes what ended before a given time. Returns how many. */
  sweep(before: number): Promise<number>
}
