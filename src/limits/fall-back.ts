import { type Clock, isRecent } from '../core/clock.ts'
import type { OpenRateLimit, RateLimit } from './contract.ts'

interface FallBackOptions {
  /** Where limits are counted, and where instead while that is unavailable. */
  readonly shared: OpenRateLimit
  readonly alone: OpenRateLimit
  readonly clock: Clock
  /** Called when the fallback takes over, with the reason, and when the first one counts again. */
  readonly onChange: (reason: string | undefined) => void
}

/** Time until an unavailable counter is tried again; nobody waits for it meanwhile. */
const restMilliseconds = 1000

/** Counts in one place, and in another while the first cannot be reached. Never admits everything. */
export function fallBack({ shared, alone, clock, onChange }: FallBackOptions): OpenRateLimit {
  let away = false
  let failedAt = 0

  const attempt = async <T>(count: () => Promise<T>, otherwise: () => Promise<T>): Promise<T> => {
    if (isRecent(clock, failedAt, restMilliseconds)) return otherwise()
    try {
      const counted = await count()
      if (away) onChange(undefined)
      away = false
      return counted
    } catch (error) {
      failedAt = clock.now()
      if (!away) onChange((error as Error).message)
      away = true
      return otherwise()
    }
  }

  return (bound) => {
    const [there, here]: [RateLimit, RateLimit] = [shared(bound), alone(bound)]
    return {
      take: (key) =>
        attempt(
          () => there.take(key),
          () => here.take(key),
        ),
      wait: (key) =>
        attempt(
          () => there.wait(key),
          () => here.wait(key),
        ),
      forgive: (key) =>
        attempt(
          () => there.forgive(key),
          () => here.forgive(key),
        ),
    }
  }
}
