/** The only source of time, so that tests can push it forward. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
}

/** The machine's own clock. */
export const systemClock: Clock = { now: () => Date.now() }

/**
 * Whether less than so many milliseconds have passed since a moment that was noted. One that lies ahead was noted before
 * the clock was set back, and nobody knows how long ago that is: it is not recent.
 */
export function isRecent(clock: Clock, moment: number, milliseconds: number): boolean {
  const age = clock.now() - moment
  return age >= 0 && age < milliseconds
}

/** Seconds since the Unix epoch, rounded down, as JWT NumericDate wants them (RFC 7519 section 2). */
export function epochSeconds(clock: Clock): number {
  return Math.floor(clock.now() / 1000)
}
