/** A person who can log in. */
export interface Account {
  /** The `sub` of tokens: never changes, never reused. */
  readonly id: string
  readonly displayName: string
  /** Logins from before this time no longer count: milliseconds since the epoch. */
  readonly loginsSince?: number
  /** The identity provider that vouches for them, by its name in the configuration; none for who is kept here. */
  readonly provider?: string
  /** What the identity provider says of them. */
  readonly groups?: readonly string[]
  readonly roles?: readonly string[]
}

/** Whether whoever vouches for an account still does; `unknown` where that cannot be asked for too long. */
export type Confirmation = 'current' | 'ended' | 'unknown'

/** What a person typed is not accepted; the message is for that person. */
export interface LoginRefused {
  readonly refused: string
  /** For the operator: goes to the log and the audit. */
  readonly reason?: string
  /** How long there is no use in trying. */
  readonly retryAfterSeconds?: number
}

/** What a person typed, and the address that it came from. Untrusted. */
interface LoginForm {
  readonly name: string
  readonly password: string
  readonly address: string
  /** A browser that has signed in before: what is known of it was sealed by us. */
  readonly known?: KnownBrowser | undefined
}

/** Who signed in at a browser, and when. */
export interface KnownBrowser {
  readonly id: string
  readonly accountId: string
  /** Milliseconds since the epoch. */
  readonly since: number
}

/** Who may log in. */
export interface Identity {
  /** The account of an id, as long as it may be used. */
  find(id: string): Promise<Account | undefined>
  /** Checks what a person typed. */
  login(form: LoginForm): Promise<Account | LoginRefused>
  /** Asks whoever vouches for an account, now and then. What it has granted has ended when that says no. */
  confirm(id: string): Promise<Confirmation>
}

/** A passkey as its owner sees it. */
export interface OwnPasskey {
  readonly id: string
  readonly name: string
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  readonly usedAt: number | undefined
}

/** What somebody's browser answered to a challenge, and the holder that the challenge was given to. */
interface PasskeyAnswer {
  /** A credential in its JSON form. Untrusted. */
  readonly credential: string
  /** What binds a challenge to one browser or one request. */
  readonly holder: string
}

/** Ways in without a password (WebAuthn level 3). Challenges work once, for one holder, for some minutes. */
export interface Passkeys {
  /** Why there are none here, for a person; undefined where there are. */
  readonly unavailable: string | undefined
  /** Options for `navigator.credentials.get`, as JSON. */
  startLogin(holder: string): Promise<string>
  /** Nothing can be guessed here, so no limit on failures keeps an owner out. */
  finishLogin(answer: PasskeyAnswer): Promise<Account | LoginRefused>
  /** Options for `navigator.credentials.create`, as JSON. */
  startRegistration(account: Account, holder: string): Promise<string>
  /** Resolves to a problem, for a person, or to undefined when the passkey is kept. */
  finishRegistration(account: Account, name: string, answer: PasskeyAnswer): Promise<string | undefined>
  list(accountId: string): Promise<readonly OwnPasskey[]>
  remove(accountId: string, id: string): Promise<void>
}

/** Links on which people choose a name and a password. Tokens are untrusted. */
export interface SetUp {
  /** Whom a link is for: an invited user, or the first one; undefined for a link that is over. */
  invited(token: string): Promise<Invited | 'first' | undefined>
  /** Lets in who came with a link; undefined for a link that is over. A refusal does not use it up. */
  accept(token: string, form: Acceptance): Promise<Account | LoginRefused | undefined>
}

/** Somebody who has a name here and no password yet. */
interface Invited {
  readonly name: string
  readonly displayName: string
}

/** How people change their own password. */
export interface OwnPassword {
  /**
   * Resolves to a refusal, for the person, or to the account when the new password is set and other logins have ended. The
   * account is as it was when its session was found good: whatever changed since counts more.
   */
  change(account: Account, change: PasswordChange): Promise<Account | LoginRefused>
}

/** What a person typed to change a password, and where. Untrusted. */
export interface PasswordChange {
  /** The password until now; undefined where the person has just logged in, and need not prove it again. */
  readonly current: string | undefined
  readonly password: string
  /** Also ends what the person granted to clients, and removes the passkeys. */
  readonly endsAll: boolean
  readonly address: string
  readonly known?: KnownBrowser | undefined
}

/** What somebody types who was sent a link. Untrusted. */
interface Acceptance {
  readonly name: string
  readonly password: string
}
