import { after, before, mock } from 'node:test'

/**
 * Stops the clock of this process for a suite, so that a lifetime ends where a test moves the time, and not
 * where a step takes longer than usual. Timers go on. Is called where `before` would be.
 */
export function stopTime(): void {
  before(() => mock.timers.enable({ apis: ['Date'], now: Date.now() }))
  after(() => mock.timers.reset())
}
