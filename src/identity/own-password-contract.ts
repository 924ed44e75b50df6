import type { Account, KnownBrowser, LoginRefused } from './contract.ts'

/** How users change their own password. */
export interface OwnPassword {
  /** The name that the user signs in with; undefined if there is no such user any more. */
  nameOf(account: Account): Promise<string | undefined>
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
