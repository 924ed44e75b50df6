/** What the authorization server remembers about one code, token, session, grant or client. */
export interface Artifact {
  readonly model: string
  /** The real id, often a bearer secret. The store keeps a keyed hash of it. */
  readonly id: string
  readonly payload: Readonly<Record<string, unknown>>
  readonly grantId?: string | undefined
  readonly uid?: string | undefined
  readonly userCode?: string | undefined
  readonly accountId?: string | undefined
  readonly clientId?: string | undefined
  /** Milliseconds since the epoch; undefined for what does not expire. */
  readonly expiresAt?: number | undefined
}

/** An artifact as it was found. It may have expired or been consumed: finding those is how misuse is noticed. */
export interface FoundArtifact {
  readonly payload: Readonly<Record<string, unknown>>
  /** Milliseconds since the epoch. */
  readonly consumedAt: number | undefined
  /** What `consume` kept with it. */
  readonly answer?: string | undefined
}

/** The artifacts of one tenant. */
export interface ArtifactStore {
  /** Inserts or replaces. Keeps the mark of consumption. */
  put(artifact: Artifact): Promise<void>
  /** Inserts unless the id is there. Returns whether it did: of many at once, one. */
  insertOnce(artifact: Artifact): Promise<boolean>
  find(model: string, id: string): Promise<FoundArtifact | undefined>
  findByUid(model: string, uid: string): Promise<FoundArtifact | undefined>
  findByUserCode(model: string, userCode: string): Promise<FoundArtifact | undefined>
  listByAccount(model: string, accountId: string): Promise<readonly FoundArtifact[]>
  /**
   * Marks as consumed in one conditional update, which also keeps what the one use was answered with, where that is
   * given. Returns whether this call did it: of many at once, one.
   */
  consume(model: string, id: string, answer?: string): Promise<boolean>
  /** Drops the kept answers of what was consumed before a time, in milliseconds since the epoch. */
  forgetAnswers(before: number): Promise<void>
  remove(model: string, id: string): Promise<void>
  /** Removes and returns in one statement: of many at once, one gets it. Undefined for what has expired, too. */
  take(model: string, id: string): Promise<FoundArtifact | undefined>
  /** Removes a grant with everything that came from it. */
  removeGrant(grantId: string): Promise<void>
  /** Removes what expired before a time, in milliseconds since the epoch. Returns how many. */
  sweep(before: number): Promise<number>
}

/** Something that must no longer be honoured, although its signature and lifetime say otherwise. */
export interface Revocation {
  /** A grant by its name (`grantName`), or one access token by its `jti`. */
  readonly kind: 'grant' | 'token'
  readonly id: string
  /** When nothing signed can refer to it any more: milliseconds since the epoch. */
  readonly expiresAt: number
}

/** The revocations of one tenant. */
export interface RevocationStore {
  add(revocation: Revocation): Promise<void>
  has(kind: Revocation['kind'], id: string): Promise<boolean>
  /** Those made at or after a time, in milliseconds since the epoch, that have not been swept. */
  since(time: number): Promise<readonly Revocation[]>
  /** Calls back for each revocation that this process makes, before `add` resolves. Returns how to stop. */
  subscribe(listener: (revocation: Revocation) => void): () => void
  sweep(before: number): Promise<number>
}

/** A private key that is new to the store. Times are milliseconds since the epoch. */
export interface NewKey {
  readonly purpose: string
  readonly kid: string
  readonly algorithm: string
  readonly privateJwk: Readonly<Record<string, unknown>>
  readonly createdAt: number
}

/** A private key as it is kept. */
export interface StoredKey extends NewKey {
  /** Its place in the line of keys of its purpose and algorithm. */
  readonly generation: number
  /** Verifiers know it before that. */
  readonly signsFrom: number
  /** When nothing that it signed counts any more; undefined as long as nothing has taken its place. */
  readonly endsAt: number | undefined
}

/** The signing keys of one tenant. */
export interface KeyTableStore {
  /** Newest first. */
  list(purpose: string): Promise<readonly StoredKey[]>
  /** Adds a key that signs at once, unless one of its algorithm is there that has not ended. Returns the one there is. */
  addFirst(key: NewKey): Promise<StoredKey>
  /** Adds a key in a place of its line, unless the place is taken. Returns whether it did: of many at once, one. */
  add(key: NewKey, place: Pick<StoredKey, 'generation' | 'signsFrom'>): Promise<boolean>
  /** Lets a key sign from a time on, unless it does so sooner. */
  advance(purpose: string, kid: string, signsFrom: number): Promise<void>
  /** Lets keys end at a time, unless they end sooner. Returns how many it was new for. */
  end(purpose: string, kids: readonly string[], endsAt: number): Promise<number>
  /** Removes what ended before a time. Returns how many. */
  sweep(before: number): Promise<number>
}

/** One store, seen by one tenant. */
export interface Store {
  readonly artifacts: ArtifactStore
  readonly revocations: RevocationStore
  readonly keys: KeyTableStore
  close(): Promise<void>
}
