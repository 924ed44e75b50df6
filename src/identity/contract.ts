/** A person who can log in. */
export interface Account {
  /** The `sub` of tokens: never changes, never reused. */
  readonly id: string
  readonly displayName: string
  /** Logins from before this time no longer count: milliseconds since the epoch. */
  readonly loginsSince?: number
}

/** What a person typed is not accepted; the message is for that person. */
export interface LoginRefused {
  readonly refused: string
  /** For the operator: goes to the log and the audit. */
  readonly reason?: string
  /** How long there is no use in trying. */
  readonly retryAfterSeconds?: number
}

/** What a person typed, and the address that it came from. Untrusted. */
export interface LoginForm {
  readonly name: string
  readonly password: string
  readonly address: string
}

/** Who may log in. */
export interface Identity {
  /** The account of an id, as long as it may be used. */
  find(id: string): Promise<Account | undefined>
  /** Checks what a person typed. */
  login(form: LoginForm): Promise<Account | LoginRefused>
}
