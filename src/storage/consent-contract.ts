/** A person's agreement with one client, as it was described then, for one place to answer and one server. */
export interface ConsentQuestion {
  readonly accountId: string
  readonly clientId: string
  /** Scheme, host and port to which the answer goes. */
  readonly redirectHost: string
  readonly resource: string
  /** Changes when the client is described otherwise. */
  readonly clientDigest: string
}

/** A scope that a client gets without asking. */
export interface RememberedScope extends Pick<ConsentQuestion, 'clientId' | 'resource'> {
  readonly scope: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** What the people of one tenant agreed to, so that they need not be asked the same again. */
export interface ConsentStore {
  /** Adds to what is remembered. `expiresAt` is in milliseconds since the epoch. */
  remember(question: ConsentQuestion, scopes: readonly string[], expiresAt: number): Promise<void>
  /** The scopes that were agreed to and still count. */
  scopes(question: ConsentQuestion): Promise<readonly string[]>
  /** What an account agreed to and still counts, with whom and until when. */
  list(accountId: string): Promise<readonly RememberedScope[]>
  /** Forgets what an account agreed to, or what it agreed to with one client. */
  forget(accountId: string, clientId?: string): Promise<void>
  /** Forgets what everybody agreed to with a client. */
  forgetClient(clientId: string): Promise<void>
  sweep(before: number): Promise<number>
}
