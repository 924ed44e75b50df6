/** One use of a refresh token. */
export interface RefreshTokenUse {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** A hash of what was asked for. */
  readonly request: string
}

/** The refresh token that a grant has at present. There is one at a time; all before it have been used. */
export interface HeldRefreshToken {
  readonly payload: Readonly<Record<string, unknown>>
  /** How many were before it. */
  readonly serial: number
  /** The latest uses of those before it, one for each, the last one first. */
  readonly uses: readonly RefreshTokenUse[]
}
