import type { Account, LoginRefused } from './contract.ts'

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
