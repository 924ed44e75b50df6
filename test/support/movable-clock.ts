import type { Clock } from '../../src/core/clock.ts'

/** A clock that a test can push forward. */
export interface MovableClock extends Clock {
  /** Moves time by so many milliseconds. */
  advance(milliseconds: number): void
}

/** Begins at the real time. */
export function movableClock(): MovableClock {
  let offset = 0
  return {
    now: () => Date.now() + offset,
    advance(milliseconds) {
      offset += milliseconds
    },
  }
}
