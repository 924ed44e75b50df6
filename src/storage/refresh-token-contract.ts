/** One use of a refresh token. */
export interface RefreshTokenUse {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** A hash of what was requested. */
  readonly request: string
}

/** The current refresh token of a grant. There is one at a time; all earlier ones have been used. */
export interface HeldRefreshToken {
  readonly payload: Readonly<Record<string, unknown>>
  /** How many tokens preceded it. */
  readonly serial: number
  /** The last use of each recent predecessor, latest first. */
  readonly uses: readonly RefreshTokenUse[]
}
