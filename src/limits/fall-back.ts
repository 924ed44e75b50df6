import { type Clock, isRecent } from '../core/clock.ts'
import type { OpenRateLimit, RateLimit } from './contract.ts'

interface FallBackOptions {
  /** Where limits are counted, with other processes. */
  readonly shared: OpenRateLimit
  /** Where they are counted while that is unavailable. */
  readonly alone: OpenRateLimit
  readonly clock: Clock
  /** Called with the reason when `alone` takes over, and with undefined when `shared` counts again. */
  readonly onChange: (reason: string | undefined) => void
}

/** Time until `shared` is tried again after a failure; nobody waits for it meanwhile. */
const restMilliseconds = 1000

/** Counts in one place, and in another while the first cannot be reached. Never admits everything. */
export function fallBack({ shared, alone, clock, onChange }: FallBackOptions): OpenRateLimit {
  let away = false
  let failedAt = 0

  const attempt = async <T>(
    there: RateLimit,
    here: RateLimit,
    count: (limit: RateLimit) => Promise<T>,
  ): Promise<T> => {
    if (isRecent(clock, failedAt, restMilliseconds)) return count(here)
    try {
      const counted = await count(there)
      if (away) onChange(undefined)
      away = false
      return counted
    } catch (error) {
      failedAt = clock.now()
      if (!away) onChange((error as Error).message)
      away = true
      return count(here)
    }
  }

  return (bound) => {
    const there = shared(bound)
    const here = alone(bound)
    return {
      take: (key) => attempt(there, here, (limit) => limit.take(key)),
      wait: (key) => attempt(there, here, (limit) => limit.wait(key)),
      forgive: (key) => attempt(there, here, (limit) => limit.forgive(key)),
    }
  }
}
