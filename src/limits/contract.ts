/** Counts events by key. */
export interface RateLimit {
  /** Counts one event. Resolves to 0, or to the whole seconds to wait if it is one too many. */
  take(key: string): Promise<number>
  /** The same without counting: how long a `take` would have to wait now. */
  wait(key: string): Promise<number>
  /** Takes one event back. */
  forgive(key: string): Promise<void>
}

/** How many events are allowed. */
export interface RateBound {
  /** What is counted. Limits with the same name and bound are the same limit, wherever they are opened. */
  readonly name: string
  /** Events per key in each period. */
  readonly points: number
  /** The period. */
  readonly seconds: number
}

/** Opens a limit. The operator decides where its counts are kept, and with whom they are shared. */
export type OpenRateLimit = (bound: RateBound) => RateLimit
