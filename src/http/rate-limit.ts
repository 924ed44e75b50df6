import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'

/** Counts events by key, in this process. */
export interface RateLimit {
  /** Counts one event. Resolves to 0, or to the whole seconds to wait where it is one too many. */
  take(key: string): Promise<number>
  /** The same without counting: whether a `take` would have to wait now. */
  wait(key: string): Promise<number>
  /** Takes one event back. */
  forgive(key: string): Promise<void>
}

/** Allows `points` events for each key in each period of `seconds`. */
export function rateLimit({ points, seconds }: { points: number; seconds: number }): RateLimit {
  const limiter = new RateLimiterMemory({ points, duration: seconds })
  return {
    async take(key) {
      try {
        await limiter.consume(key)
        return 0
      } catch (refused) {
        if (refused instanceof RateLimiterRes) return wholeSeconds(refused)
        throw refused
      }
    },
    async wait(key) {
      const state = await limiter.get(key)
      return state === null || state.consumedPoints < points ? 0 : wholeSeconds(state)
    },
    async forgive(key) {
      await limiter.reward(key)
    },
  }
}

function wholeSeconds({ msBeforeNext }: RateLimiterRes): number {
  return Math.max(1, Math.ceil(msBeforeNext / 1000))
}
