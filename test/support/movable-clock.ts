import type { Clock } from '../../src/core/clock.ts'

/** A clock that a test can move forward. */
export interface MovableClock extends Clock {
  /** Moves time forward by a number of milliseconds. */
  advance(milliseconds: number): void
  /** From now on, time passes only as it is moved. */
  stop(): void
}

/** Starts at the real time. */
export function movableClock(): MovableClock {
  let offset = 0
  let now = Date.now
  return {
    now: () => now() + offset,
    advance(milliseconds) {
      offset += milliseconds
    },
    stop() {
      const stopped = Date.now()
      now = () => stopped
    },
  }
}
