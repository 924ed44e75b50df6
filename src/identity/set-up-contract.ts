import type { Account, LoginRefused } from './contract.ts'

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

/** The input of a user who was sent a link. Untrusted. */
interface Acceptance {
  readonly name: string
  readonly password: string
}
