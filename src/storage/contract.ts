import type { ConsentStore } from './consent-contract.ts'
import type { IdentityStore } from './identity-contract.ts'
import type { LastStartStore } from './last-start-contract.ts'
import type { HeldRefreshToken } from './refresh-token-contract.ts'
import type { RevocationStore } from './revocation-contract.ts'

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
   * Removes what expired before a time (milliseconds since the epoch), of one model if given. Returns how
   * many.
   */
  sweep(before: number, model?: string): Promise<number>
}

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
  /** All of them, newest first. */
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
export interface KeyTableStore {
  /** Newest first. */
  list(purpose: string): Promise<readonly StoredKey[]>
  /**
   * Adds a key that signs at once, unless an unended one of its algorithm exists. Returns the one that
   * exists.
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

/** A user who logs in here. */
export interface User {
  /** The `sub` of tokens: random, never changed, never reused. */
  readonly id: string
  readonly name: string
  readonly displayName: string
  /** A PHC string; undefined for an invited user who has not chosen a password. */
  readonly passwordHash: string | undefined
  /** Milliseconds since the epoch, like all times here. */
  readonly createdAt: number
  readonly disabledAt: number | undefined
  /** Logins from before this time are no longer valid. */
  readonly loginsSince: number
  /**
   * The identity provider that vouches for the user, by its name in the configuration; undefined for local
   * users.
   */
  readonly provider: string | undefined
}

/** The users of one tenant. Names are compared by a key that the caller computes. */
export interface UserStore {
  /** Adds a user unless the name or the id is taken; true for only one of several concurrent calls. */
  add(user: User, nameKey: string): Promise<boolean>
  /** Adds a user unless one exists already. Returns whether it did. */
  addFirst(user: User, nameKey: string): Promise<boolean>
  find(id: string): Promise<User | undefined>
  findByName(nameKey: string): Promise<User | undefined>
  /** Sorted by name. */
  list(): Promise<readonly User[]>
  isEmpty(): Promise<boolean>
  /** Sets a new password, forgets failures, ends earlier logins and removes the passkeys, all at once. */
  setPassword(id: string, passwordHash: string, loginsSince: number): Promise<void>
  /**
   * Sets a new password, forgets failures and ends earlier logins, and leaves the passkeys, unless the user is
   * disabled or logins have ended since `readLoginsSince` was read. Returns whether it did.
   */
  replacePassword(
    id: string,
    readLoginsSince: number,
    passwordHash: string,
    loginsSince: number,
  ): Promise<boolean>
  /** Sets the password of an invited user who has none and is not disabled. Returns whether it did. */
  setFirstPassword(id: string, passwordHash: string): Promise<boolean>
  /** Stores the same password with another hash, unless it has changed in the meantime. */
  rehash(id: string, from: string, to: string): Promise<void>
  /** Disables a user, or enables one if undefined. Either ends earlier logins. */
  setDisabled(id: string, disabledAt: number | undefined, loginsSince: number): Promise<void>
  /** Removes a user with their passkeys and their identity at a provider. */
  remove(id: string): Promise<void>
  /**
   * Counts an attempt before its password is checked, in one conditional update, so that concurrent guesses
   * are counted as well. `lock` holds how long, in milliseconds, the account is locked after each failed
   * attempt, beginning with the first; its last entry repeats. Returns whether the attempt may proceed.
   */
  claimAttempt(
    id: string,
    attempt: { now: number; lock: readonly number[]; forgetMs: number },
  ): Promise<boolean>
  /**
   * Decides in one conditional update whether an attempt succeeded: forgets the failures and resolves to the
   * user as of then, unless they are disabled or no longer have the hash that the password was verified
   * against.
   */
  forgetFailures(id: string, verifiedHash: string | undefined): Promise<User | undefined>
}

/** A passkey of a user (WebAuthn public key credential). */
export interface Passkey {
  /** The credential id, in base64url. */
  readonly id: string
  readonly userId: string
  readonly name: string
  /** COSE, in base64url. */
  readonly publicKey: string
  readonly counter: number
  readonly createdAt: number
  readonly usedAt: number | undefined
}

/** The passkeys of one tenant. */
export interface PasskeyStore {
  /**
   * Adds a passkey unless its id exists, or its user is disabled or has ended their logins since
   * `loginsSince` was read. Returns whether it did.
   */
  add(passkey: Passkey, loginsSince: number): Promise<boolean>
  find(id: string): Promise<Passkey | undefined>
  /** Oldest first. */
  list(userId: string): Promise<readonly Passkey[]>
  /**
   * Records a use with its signature counter, in one conditional update. Returns false if the counter did not
   * increase, which means that the key was cloned (WebAuthn level 3 section 6.1.1), if the key is gone, or if
   * its user is disabled or has ended their logins since `loginsSince` was read.
   */
  use(id: string, use: { counter: number; usedAt: number; loginsSince: number }): Promise<boolean>
  /** Removes a passkey of this user. Returns whether there was one. */
  remove(userId: string, id: string): Promise<boolean>
  removeAll(userId: string): Promise<void>
}

/** One store, as seen by one tenant. */
export interface Store {
  readonly lastStart: LastStartStore
  readonly artifacts: ArtifactStore
  readonly clients: ClientStore
  readonly revocations: RevocationStore
  readonly keys: KeyTableStore
  readonly consents: ConsentStore
  readonly users: UserStore
  readonly passkeys: PasskeyStore
  readonly identities: IdentityStore
  close(): Promise<void>
}
