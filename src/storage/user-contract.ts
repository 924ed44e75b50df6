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
