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

/** Whether an account is still vouched for; `unknown` if there has been no answer for too long. */
export type Confirmation = 'current' | 'ended' | 'unknown'

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

/** A passkey as shown to its owner. */
export interface OwnPasskey {
  readonly id: string
  readonly name: string
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  readonly usedAt: number | undefined
}

/** A browser's answer to a challenge, and the holder that the challenge was issued to. */
interface PasskeyAnswer {
  /** A credential in its JSON form. Untrusted. */
  readonly credential: string
  /** Binds a challenge to one browser or one request. */
  readonly holder: string
}

/** Login without a password (WebAuthn level 3). Challenges work once, for one holder, for some minutes. */
export interface Passkeys {
  /** Why passkeys cannot be used, for the user; undefined if they can. */
  readonly unavailable: string | undefined
  /** Options for `navigator.credentials.get`, as JSON. */
  startLogin(holder: string): Promise<string>
  /** Nothing can be guessed here, so there is no limit on failures that could lock an owner out. */
  finishLogin(answer: PasskeyAnswer): Promise<Account | LoginRefused>
  /** Options for `navigator.credentials.create`, as JSON. */
  startRegistration(account: Account, holder: string): Promise<string>
  /** Resolves to a problem, for the user, or to undefined if the passkey is stored. */
  finishRegistration(account: Account, name: string, answer: PasskeyAnswer): Promise<string | undefined>
  list(accountId: string): Promise<readonly OwnPasskey[]>
  remove(accountId: string, id: string): Promise<void>
}

/** Links with which users choose a name and a password. Tokens are untrusted. */
export interface SetUp {
  /** Whom a link is for: an invited user, or the first one; undefined for a link that is no longer valid. */
  invited(token: string): Promise<Invited | 'first' | undefined>
  /**
   * Accepts the user of a link; undefined for a link that is no longer valid. A refusal does not use it up.
   */
  accept(token: string, form: Acceptance): Promise<Account | LoginRefused | undefined>
}

/** A user who has a name here, but no password yet. */
interface Invited {
  readonly name: string
  readonly displayName: string
}

/** How users change their own password. */
export interface OwnPassword {
  /**
   * Resolves to a refusal, for the user, or to the account after the new password is set and other logins
   * have ended. The account is as it was when its session was found valid: anything that changed since takes
   * precedence.
   */
  change(account: Account, change: PasswordChange): Promise<Account | LoginRefused>
}

/** The user's input to change a password, and where it came from. Untrusted. */
export interface PasswordChange {
  /** The current password; undefined if the user has just logged in and need not prove it again. */
  readonly current: string | undefined
  readonly password: string
  /** Also ends what the user granted to clients, and removes the passkeys. */
  readonly endsAll: boolean
  readonly address: string
  readonly known?: KnownBrowser | undefined
}

/** The input of a user who was sent a link. Untrusted. */
interface Acceptance {
  readonly name: string
  readonly password: string
}
