import type { Clock } from '../../src/core/clock.ts'

/** A clock that a test can move forward. */
export interface MovableClock extends Clock {
  /** Moves time forward by a number of milliseconds. */
  advance(milliseconds: number): void
}

/** Starts at the real time. */
export function movableClock(): MovableClock {
  let offset = 0
  return {
    now: () => Date.now() + offset,
    advance(milliseconds) {
      offset += milliseconds
    },
  }
}
