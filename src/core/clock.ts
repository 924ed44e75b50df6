/** The only source of time, so that tests can advance it. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
}

/** The machine's own clock. */
export const systemClock: Clock = { now: () => Date.now() }

/**
 * Whether less than this many milliseconds have passed since a recorded moment. A moment in the future was
 * recorded before the clock was set back, so nobody knows how long ago it was: it is not recent.
 */
export function isRecent(clock: Clock, moment: number, milliseconds: number): boolean {
  const age = clock.now() - moment
  return age >= 0 && age < milliseconds
}

/** Seconds since the Unix epoch, rounded down, as in a JWT NumericDate (RFC 7519 section 2). */
export function epochSeconds(clock: Clock): number {
  return Math.floor(clock.now() / 1000)
}
