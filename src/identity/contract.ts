/** A person who can log in. */
export interface Account {
  /** The `sub` of tokens: never changes, never reused. */
  readonly id: string
  readonly displayName: string
  /** Logins from before this time no longer count: milliseconds since the epoch. */
  readonly loginsSince?: number
}

/** What a person typed is not accepted; the message is for that person. */
interface LoginRefused {
  readonly refused: string
}

/** Who may log in. */
export interface Identity {
  /** The account of an id, as long as it may be used. */
  find(id: string): Promise<Account | undefined>
  /** Checks what a person typed. The input is untrusted. */
  login(form: { readonly name: string }): Promise<Account | LoginRefused>
}
