/** A user who can log in. */
export interface Account {
  /** The `sub` of tokens: never changes, never reused. */
  readonly id: string
  readonly displayName: string
  /** Logins from before this time are no longer valid: milliseconds since the epoch. */
  readonly loginsSince?: number
  /** The identity provider that vouches for them, by its name in the configuration; none for local users. */
  readonly provider?: string
  /** What the identity provider says of them. */
  readonly groups?: readonly string[]
  readonly roles?: readonly string[]
}

/**
 * Whether an account is still vouched for: `renewed` if whoever vouches for it has just said so, and maybe something
 * new of it; `unknown` if there has been no answer for too long.
 */
export type Confirmation = 'current' | 'renewed' | 'ended' | 'unknown'

/** The user's input is not accepted; the message is for the user. */
export interface LoginRefused {
  readonly refused: string
  /** For the operator, in the log and the audit. */
  readonly reason?: string
  /** How long it is pointless to try again. */
  readonly retryAfterSeconds?: number
}

/** The user's input, and the address that it came from. Untrusted. */
interface LoginForm {
  readonly name: string
  readonly password: string
  readonly address: string
  /** A browser that has signed in before; what is known of it was sealed by us. */
  readonly known?: KnownBrowser | undefined
}

/** Who signed in with a browser, and when. */
export interface KnownBrowser {
  readonly id: string
  readonly accountId: string
  /** Milliseconds since the epoch. */
  readonly since: number
}

/** Who may log in. */
export interface Identity {
  /** The account with this id, if it may be used. */
  find(id: string): Promise<Account | undefined>
  /** Checks the user's input. */
  login(form: LoginForm): Promise<Account | LoginRefused>
  /**
   * Asks, at intervals, whether an account is still vouched for. If not, what it has granted has already
   * ended.
   */
  confirm(id: string): Promise<Confirmation>
}
