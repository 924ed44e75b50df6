/** Whose session it is: the same text for the same issuer, subject and client, and the server's id of it. */
export interface HeldSession {
  readonly principal: string
  readonly session: string
}

/** What takes the place of a session: another one, or nothing, because its client has ended it or counts on it. */
export type Successor = { readonly session: string } | 'none'

/** Which sessions of one server took the place of others, for all replicas. */
export interface Successors {
  /** Undefined where nothing was settled yet. */
  find(held: HeldSession): Promise<Successor | undefined>
  /** Settles it once and for all, until a time in milliseconds since the epoch. Returns whether this call did: of many at once, one. */
  settle(held: HeldSession, successor: Successor, until: number): Promise<boolean>
}
