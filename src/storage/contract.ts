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

/** A private key as it is kept. */
export interface StoredKey {
  readonly purpose: string
  readonly kid: string
  readonly algorithm: string
  readonly privateJwk: Readonly<Record<string, unknown>>
  /** Milliseconds since the epoch. */
  readonly createdAt: number
}

/** The signing keys of one tenant. */
export interface KeyTableStore {
  /** Newest first. */
  list(purpose: string): Promise<readonly StoredKey[]>
  /** Adds a key unless the purpose has one of its algorithm. Returns the newest that it then has. */
  addFirst(key: StoredKey): Promise<StoredKey>
}

/** One store, seen by one tenant. */
export interface Store {
  readonly artifacts: ArtifactStore
  readonly revocations: RevocationStore
  readonly keys: KeyTableStore
  close(): Promise<void>
}
