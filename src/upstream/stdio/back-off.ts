import { type Clock, isRecent } from '../../core/clock.ts'
import { Refusal } from '../../core/errors.ts'

/** Delays starts of a server that keeps crashing, separately for each owner. */
export interface BackOff {
  /** Throws `upstream_unreachable` while a caller has to wait. */
  check(owner: string): void
  /** A process ended unexpectedly after this many milliseconds. */
  crashed(owner: string, livedMilliseconds: number): void
}

const freeCrashes = 2
const firstPause = 1000
const longestPause = 60_000
/** A process that lived this long was not a failed start. */
const healthyMilliseconds = 60_000
const maxOwners = 10_000

/**
 * The third crash in a row is followed by a pause of a second, and each further one by twice the previous
 * pause, up to a minute.
 */
export function createBackOff(clock: Clock): BackOff {
  const crashes = new Map<string, { count: number; at: number; pause: number }>()
  return {
    check(owner) {
      const crash = crashes.get(owner)
      if (crash === undefined || !isRecent(clock, crash.at, crash.pause)) return
      const left = crash.at + crash.pause - clock.now()
      throw new Refusal('upstream_unreachable', {
        reason: 'the stdio server crashed several times in a row; it is started again later',
        retryAfterSeconds: Math.ceil(left / 1000),
      })
    },
    crashed(owner, livedMilliseconds) {
      const earlier = crashes.get(owner)
      const count = livedMilliseconds >= healthyMilliseconds ? 1 : (earlier?.count ?? 0) + 1
      const pause =
        count <= freeCrashes ? 0 : Math.min(firstPause * 2 ** (count - freeCrashes - 1), longestPause)
      crashes.delete(owner)
      crashes.set(owner, { count, at: clock.now(), pause })
      if (crashes.size > maxOwners) crashes.delete(crashes.keys().next().value as string)
    },
  }
}
