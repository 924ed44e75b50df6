/** What the dashboard remembers about who may see it. Shared by all processes of an installation. */
export interface DashboardAccess {
  /** The token of a link, only for the operator who asked for it: valid once, for a quarter of an hour. */
  readonly createLinkToken: (operator: string) => Promise<string>
  /**
   * Uses a link up and begins a session: only one of several concurrent calls gets it. Undefined for any
   * other token. Untrusted.
   */
  readonly enter: (token: string, address: string | undefined) => Promise<string | undefined>
  /** Whose link began the session with this id; undefined if there is no such session any more. Untrusted. */
  readonly operatorOf: (session: string) => Promise<string | undefined>
  /** Ends a session. */
  readonly leave: (session: string, address: string | undefined) => Promise<void>
  /** Records that a form was refused before its content was considered, and whose session it used. */
  readonly deny: (address: string | undefined, operator?: string) => void
  /** The token of the forms of a session. */
  readonly formToken: (session: string) => string
  /** Computes an answer to somebody's challenge that requires the installation's secret. Untrusted. */
  readonly prove: (challenge: string) => string
}

/** How long a session lasts, in seconds. */
export const dashboardSessionSeconds = 8 * 3600

/** Whose dashboard it is, and its path: empty for that of the installation itself. */
export interface DashboardPlace {
  readonly tenant: string | undefined
  readonly base: string
}
