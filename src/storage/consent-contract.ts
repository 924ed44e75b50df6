/**
 * A user's agreement with one client, as it was described at the time, for one redirect host and one server.
 */
export interface ConsentQuestion {
  readonly accountId: string
  readonly clientId: string
  /** Scheme, host and port of the redirect URI. */
  readonly redirectHost: string
  readonly resource: string
  /** Changes when the description of the client changes. */
  readonly clientDigest: string
}

/** A scope that a client receives without a question. */
export interface RememberedScope extends Pick<ConsentQuestion, 'clientId' | 'resource'> {
  readonly scope: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** What the users of one tenant agreed to, so that they are not asked the same again. */
export interface ConsentStore {
  /** Adds to what is remembered. `expiresAt` is in milliseconds since the epoch. */
  remember(question: ConsentQuestion, scopes: readonly string[], expiresAt: number): Promise<void>
  /** The scopes that were agreed to and are still valid. */
  scopes(question: ConsentQuestion): Promise<readonly string[]>
  /** The agreements of an account that are still valid, with the client and the expiry of each. */
  list(accountId: string): Promise<readonly RememberedScope[]>
  /** Forgets what an account agreed to, with all clients or only with one. */
  forget(accountId: string, clientId?: string): Promise<void>
  /** Forgets what all users agreed to with a client. */
  forgetClient(clientId: string): Promise<void>
  /** Removes what expired before a time, in milliseconds since the epoch. Returns how many. */
  sweep(before: number): Promise<number>
}
