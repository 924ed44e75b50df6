import type { HeldRefreshToken } from './refresh-token-contract.ts'

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
  /** Milliseconds since the epoch; undefined if it does not expire. */
  readonly expiresAt?: number | undefined
}

/** An artifact as it was found. It may be expired or consumed: finding those is how misuse is noticed. */
export interface FoundArtifact {
  readonly payload: Readonly<Record<string, unknown>>
  /** Milliseconds since the epoch. */
  readonly consumedAt: number | undefined
  /** The current refresh token of a grant, until the grant ends. */
  readonly refreshToken?: HeldRefreshToken
  /** How long a challenge stands: milliseconds since the epoch. */
  readonly challengedUntil?: number | undefined
}

/** A code or token and the grant that it came from, each if it exists. */
interface FoundWithGrant {
  readonly found: FoundArtifact | undefined
  readonly grant: FoundArtifact | undefined
}

/**
 * The model of ids that may be seen once: the `jti` of proofs and assertions. They are kept only as long as
 * what they identify could be accepted, since each request may bring one.
 */
export const seenOnceModel = 'ReplayDetection'

/** The artifacts of one tenant. */
export interface ArtifactStore {
  /**
   * Inserts or replaces, keeping the marks of consumption and of a challenge. If `lasts`, it is on disk
   * afterwards, whatever the model.
   */
  put(artifact: Artifact, how?: { readonly lasts: boolean }): Promise<void>
  /**
   * Replaces what is still stored under the id `before`, in one conditional update; does nothing if it is
   * gone. For what need not last, such as sessions.
   */
  replaceFleeting(before: string, artifact: Artifact): Promise<void>
  /** Inserts unless the id exists. Returns whether it did: true for only one of several concurrent calls. */
  insertOnce(artifact: Artifact): Promise<boolean>
  find(model: string, id: string): Promise<FoundArtifact | undefined>
  findByUid(model: string, uid: string): Promise<FoundArtifact | undefined>
  findByUserCode(model: string, userCode: string): Promise<FoundArtifact | undefined>
  /** Finds a code or token together with its grant, in one statement. */
  findWithGrant(model: string, id: string): Promise<FoundWithGrant>
  /** Latest expiry first; optionally only those of one client, and at most a given number. */
  listByAccount(
    model: string,
    accountId: string,
    only?: { readonly clientId?: string | undefined; readonly most?: number },
  ): Promise<readonly FoundArtifact[]>
  listByClient(model: string, clientId: string): Promise<readonly FoundArtifact[]>
  /** Whether a client has one that has not expired. The id is untrusted. */
  hasOfClient(model: string, clientId: string): Promise<boolean>
  /** Unexpired ones of accounts, with a text in client id, account id or user names; latest expiry first. */
  list(model: string, which: { text: string; skip: number; most: number }): Promise<readonly FoundArtifact[]>
  count(model: string, text: string): Promise<number>
  /** The clients of unexpired artifacts of accounts, without duplicates. */
  clientsOf(model: string): Promise<readonly string[]>
  /**
   * Marks as consumed in one conditional update; true for only one of several concurrent calls. Atomically
   * with the mark, gives a grant, if it exists, its first refresh token.
   */
  consume(model: string, id: string, gives?: { grantId: string; token: HeldRefreshToken }): Promise<boolean>
  /**
   * Gives a grant another refresh token, in one conditional update, if its current serial is `before`, or if
   * it has none and `before` is undefined. True for only one of several concurrent calls.
   */
  holdRefreshToken(grantId: string, token: HeldRefreshToken, before: number | undefined): Promise<boolean>
  /** Marks the artifact with this `uid` as challenged until a time, in milliseconds since the epoch. */
  challenge(model: string, uid: string, until: number): Promise<void>
  /** Ends a challenge that still stands, in one conditional update; true for only one of concurrent calls. */
  answerChallenge(model: string, id: string): Promise<boolean>
  remove(model: string, id: string): Promise<void>
  /** Removes and returns in one statement, for only one of concurrent calls. Undefined if expired, too. */
  take(model: string, id: string): Promise<FoundArtifact | undefined>
  /** Removes all artifacts of a model that belong to an account, in one statement. */
  removeOfAccount(model: string, accountId: string): Promise<void>
  /** Removes grants and everything that came from them, any number of them, some hundred per statement. */
  removeGrants(grantIds: readonly string[]): Promise<void>
  /**
   * Removes what expired before a time (milliseconds since the epoch), of some models if given, and lets others have
   * their turn meanwhile. Returns how many.
   */
  sweep(before: number, models?: readonly string[]): Promise<number>
}
