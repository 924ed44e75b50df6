/** Counts events by key. */
export interface RateLimit {
  /** Counts one event. Resolves to 0, or to the whole seconds to wait where it is one too many. */
  take(key: string): Promise<number>
  /** The same without counting: whether a `take` would have to wait now. */
  wait(key: string): Promise<number>
  /** Takes one event back. */
  forgive(key: string): Promise<void>
}

/** How many events there may be. */
export interface RateBound {
  /** What is counted. Limits of one name and bound are one limit, wherever they are opened. */
  readonly name: string
  /** Events of each key in each period. */
  readonly points: number
  /** The period. */
  readonly seconds: number
}

/** Opens a limit. Where its counts are kept, and with whom they are shared, is for the operator to say. */
export type OpenRateLimit = (bound: RateBound) => RateLimit
