import { type Clock, isRecent } from '../core/clock.ts'
import type { OpenRateLimit, RateLimit } from './contract.ts'

interface FallBackOptions {
  /** Where limits are counted, and where they are while that is away. */
  readonly shared: OpenRateLimit
  readonly alone: OpenRateLimit
  readonly clock: Clock
  /** Told when the one gives way to the other, with the reason, and when it counts again. */
  readonly onChange: (reason: string | undefined) => void
}

/** Time until what was away is tried again: nobody waits for it meanwhile. */
const restMilliseconds = 1000

/** Counts in one place, and in another as long as the first cannot be reached. Never lets everything pass. */
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
