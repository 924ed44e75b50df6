import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { OpenRateLimit, RateBound, RateLimit } from './contract.ts'

/** Creates the counter for a bound. */
export type MakeLimiter = (bound: RateBound) => RateLimiterAbstract

/** Counts in this process. */
export const inMemory: MakeLimiter = (bound) => new RateLimiterMemory(limiterOptions(bound))

/**
 * What the library is told of a bound. Limits with the same name and another bound are separate limits, as
 * after a reload.
 */
export function limiterOptions({ name, points, seconds }: RateBound): {
  keyPrefix: string
  points: number
  duration: number
} {
  return { keyPrefix: `portcullis:${name}:${points}/${seconds}`, points, duration: seconds }
}

/**
 * Opens limits over a way to count; opening the same limit again continues its counts. `nameKey` turns a key
 * into the name under which it is counted there.
 */
export function countWith(make: MakeLimiter, nameKey = (key: string): string => key): OpenRateLimit {
  const opened = new Map<string, RateLimit>()
  return (bound) => {
    const { keyPrefix } = limiterOptions(bound)
    const known = opened.get(keyPrefix)
    if (known !== undefined) return known
    const limit = limitOver(make(bound), bound.points, nameKey)
    opened.set(keyPrefix, limit)
    return limit
  }
}

function limitOver(
  limiter: RateLimiterAbstract,
  points: number,
  nameKey: (key: string) => string,
): RateLimit {
  return {
    async take(key) {
      try {
        await limiter.consume(nameKey(key))
        return 0
      } catch (refused) {
        if (refused instanceof RateLimiterRes) return wholeSeconds(refused)
        throw refused
      }
    },
    async wait(key) {
      const state = await limiter.get(nameKey(key))
      return state === null || state.consumedPoints < points ? 0 : wholeSeconds(state)
    },
    async forgive(key) {
      await limiter.reward(nameKey(key))
    },
  }
}

function wholeSeconds({ msBeforeNext }: RateLimiterRes): number {
  return Math.max(1, Math.ceil(msBeforeNext / 1000))
}
