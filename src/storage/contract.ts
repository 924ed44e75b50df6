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
  /** Milliseconds since the epoch; undefined for what does not expire. */
  readonly expiresAt?: number | undefined
}

/** An artifact as it was found. It may have expired or been consumed: finding those is how misuse is noticed. */
export interface FoundArtifact {
  readonly payload: Readonly<Record<string, unknown>>
  /** Milliseconds since the epoch. */
  readonly consumedAt: number | undefined
  /** What a grant has been given, until the end of the grant. */
  readonly refreshToken?: HeldRefreshToken
  /** Until when a challenge stands: milliseconds since the epoch. */
  readonly challengedUntil?: number | undefined
}

/** A code or token and the grant that it came from, as far as they were there. */
interface FoundWithGrant {
  readonly found: FoundArtifact | undefined
  readonly grant: FoundArtifact | undefined
}

/**
 * The model of ids that may be seen once: the `jti` of proofs and assertions. They are kept as long as what they name
 * could be accepted, and no longer, since each request may bring one.
 */
export const seenOnceModel = 'ReplayDetection'

/** The artifacts of one tenant. */
export interface ArtifactStore {
  /** Inserts or replaces. Keeps the marks of consumption and of a challenge. On disk then, if it `lasts`, whatever it is. */
  put(artifact: Artifact, lasts?: boolean): Promise<void>
  /**
   * Replaces what is still there under the id `before`, in one conditional update; where it is gone, does nothing. For what
   * need not last, such as sessions.
   */
  replaceFleeting(before: string, artifact: Artifact): Promise<void>
  /** Inserts unless the id is there. Returns whether it did: of many at once, one. */
  insertOnce(artifact: Artifact): Promise<boolean>
  find(model: string, id: string): Promise<FoundArtifact | undefined>
  findByUid(model: string, uid: string): Promise<FoundArtifact | undefined>
  findByUserCode(model: string, userCode: string): Promise<FoundArtifact | undefined>
  /** Finds a code or token together with its grant, in one statement. */
  findWithGrant(model: string, id: string): Promise<FoundWithGrant>
  /** What expires last comes first; of one client, and no more than so many, where that is said. */
  listByAccount(
    model: string,
    accountId: string,
    only?: { readonly clientId?: string | undefined; readonly most?: number },
  ): Promise<readonly FoundArtifact[]>
  listByClient(model: string, clientId: string): Promise<readonly FoundArtifact[]>
  /** Whether a client has one that has not expired. The id is untrusted. */
  hasOfClient(model: string, clientId: string): Promise<boolean>
  /**
   * Those of accounts that have not expired, with a text in the client id, the account id or the user's names: what
   * expires last comes first.
   */
  list(model: string, which: { text: string; skip: number; most: number }): Promise<readonly FoundArtifact[]>
  count(model: string, text: string): Promise<number>
  /** The clients of those of accounts that have not expired, each once. */
  clientsOf(model: string): Promise<readonly string[]>
  /**
   * Marks as consumed in one conditional update. Returns whether this call did it: of many at once, one. Together with
   * the mark, or not at all, it gives a grant the first refresh token that comes of it, where the grant is there.
   */
  consume(model: string, id: string, gives?: { grantId: string; token: HeldRefreshToken }): Promise<boolean>
  /**
   * Gives a grant another refresh token, if the one that it has is `before`, or it has none and that is undefined: in one
   * conditional update. Returns whether this call did it: of many at once, one.
   */
  holdRefreshToken(grantId: string, token: HeldRefreshToken, before: number | undefined): Promise<boolean>
  /** Marks what has this `uid` as challenged until a time, in milliseconds since the epoch. */
  challenge(model: string, uid: string, until: number): Promise<void>
  /** Ends a challenge that still stands, in one conditional update. Returns whether this call did it: of many at once, one. */
  answerChallenge(model: string, id: string): Promise<boolean>
  remove(model: string, id: string): Promise<void>
  /** Removes and returns in one statement: of many at once, one gets it. Undefined for what has expired, too. */
  take(model: string, id: string): Promise<FoundArtifact | undefined>
  /** Removes what an account has of a model, in one statement. */
  removeOfAccount(model: string, accountId: string): Promise<void>
  /** Removes grants with everything that came from them, however many there are, some hundred with each statement. */
  removeGrants(grantIds: readonly string[]): Promise<void>
  /** Removes what expired before a time, in milliseconds since the epoch; of one model if it is named. Returns how many. */
  sweep(before: number, model?: string): Promise<number>
}

/** A client that registered itself, or that an operator registered, as it is kept. */
export interface StoredClient {
  readonly id: string
  readonly source: 'dynamic' | 'operator'
  /** RFC 7591 metadata, without the secret. */
  readonly metadata: Readonly<Record<string, unknown>>
  /** A keyed hash; undefined for a client without a secret. */
  readonly secretHash: string | undefined
  /** Milliseconds since the epoch, as the other times. */
  readonly createdAt: number
  /** Roughly when somebody last let it in; undefined for never. */
  readonly usedAt: number | undefined
  /** Undefined for what stays until it is removed. */
  readonly expiresAt: number | undefined
}

/** The registered clients of one tenant. */
export interface ClientStore {
  /** Undefined for one that has expired, too. */
  find(id: string): Promise<StoredClient | undefined>
  /** All of them, newest first. */
  list(): Promise<readonly StoredClient[]>
  /**
   * Adds a client, or extends the life of the one that has its id. Where `ceiling` clients that registered themselves
   * are there, one that was never used or has expired makes room. Returns false when none of them could.
   */
  register(client: StoredClient, ceiling: number | undefined): Promise<boolean>
  /** Notes that a client is in use, and how long one that registered itself may then rest. */
  markUsed(id: string, expiresAt: number): Promise<void>
  /** Gives a client that has a secret another one. Returns false for every other. */
  replaceSecret(id: string, secretHash: string): Promise<boolean>
  /** Returns whether it was there. */
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

/** A person who logs in here. */
export interface User {
  /** The `sub` of tokens: random, never changed, never reused. */
  readonly id: string
  readonly name: string
  readonly displayName: string
  /** A PHC string; undefined for an invited user who has not chosen a password. */
  readonly passwordHash: string | undefined
  /** Milliseconds since the epoch, as all times here. */
  readonly createdAt: number
  readonly disabledAt: number | undefined
  /** Logins from before this time no longer count. */
  readonly loginsSince: number
  /** The identity provider that vouches for them, by its name in the configuration; undefined for a local user. */
  readonly provider: string | undefined
}

/** The users of one tenant. Names are compared by a key that the caller makes. */
export interface UserStore {
  /** Adds a user unless the name or the id is taken. Returns whether it did: of many at once, one. */
  add(user: User, nameKey: string): Promise<boolean>
  /** Adds a user unless there is one already. Returns whether it did. */
  addFirst(user: User, nameKey: string): Promise<boolean>
  find(id: string): Promise<User | undefined>
  findByName(nameKey: string): Promise<User | undefined>
  /** By name. */
  list(): Promise<readonly User[]>
  isEmpty(): Promise<boolean>
  /** Sets a new password, forgets failures, ends earlier logins, and removes the passkeys: all at once. */
  setPassword(id: string, passwordHash: string, loginsSince: number): Promise<void>
  /**
   * The same, unless the user is disabled or earlier logins have ended since `readLoginsSince` was read. Returns whether it
   * did.
   */
  replacePassword(
    id: string,
    readLoginsSince: number,
    passwordHash: string,
    loginsSince: number,
  ): Promise<boolean>
  /** Sets the password of an invited user who has none and is not disabled. Returns whether it did. */
  setFirstPassword(id: string, passwordHash: string): Promise<boolean>
  /** Writes the same password in another form, unless it has changed meanwhile. */
  rehash(id: string, from: string, to: string): Promise<void>
  /** Disables a user, or enables one with undefined. Either ends earlier logins. */
  setDisabled(id: string, disabledAt: number | undefined, loginsSince: number): Promise<void>
  /** Removes a user with their passkeys and who they are at an identity provider. */
  remove(id: string): Promise<void>
  /**
   * Counts an attempt before its password is looked at, in one conditional update, so that guesses that come at once
   * are counted as well. `lock` has the milliseconds for which the account is locked after so many attempts without
   * success, beginning with the first; its last one repeats. Returns whether the attempt may go on.
   */
  claimAttempt(
    id: string,
    attempt: { now: number; lock: readonly number[]; forgetMs: number },
  ): Promise<boolean>
  /**
   * Decides in one conditional update whether an attempt succeeded: forgets the failures, and resolves to the user as
   * they are then, unless they are disabled or no longer have the hash that the password was verified against.
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
   * Adds a passkey unless its id is there, or its user is disabled or has ended their logins since `loginsSince` was read.
   * Returns whether it did.
   */
  add(passkey: Passkey, loginsSince: number): Promise<boolean>
  find(id: string): Promise<Passkey | undefined>
  /** Oldest first. */
  list(userId: string): Promise<readonly Passkey[]>
  /**
   * Notes a use with its signature counter, in one conditional update. Returns false when the counter did not grow,
   * which means that there are two of the key (WebAuthn level 3 section 6.1.1), when the key is gone, or when its user
   * is disabled or has ended their logins since `loginsSince` was read.
   */
  use(id: string, use: { counter: number; usedAt: number; loginsSince: number }): Promise<boolean>
  /** Removes a passkey of this user. Returns whether there was one. */
  remove(userId: string, id: string): Promise<boolean>
  removeAll(userId: string): Promise<void>
}

/** One store, seen by one tenant. */
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
