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
