/**
 * Whose session it is (the same string for the same issuer, subject and client), and the server's id for it.
 */
export interface HeldSession {
  readonly principal: string
  readonly session: string
}

/** What replaces a session: another one, or nothing, because its client has ended it or relies on it. */
export type Successor = { readonly session: string } | 'none'

/** Which sessions of one server replaced which others, for all replicas. */
export interface Successors {
  /** Undefined if nothing has been settled yet. */
  find(held: HeldSession): Promise<Successor | undefined>
  /**
   * Settles it once and for all, until a time in milliseconds since the epoch. Returns whether this call did;
   * of several concurrent calls, one does.
   */
  settle(held: HeldSession, successor: Successor, until: number): Promise<boolean>
}
