import { after } from 'node:test'

/** What is told of whatever has to be closed: a test, or a suite. */
export interface Closing {
  after(close: () => unknown): void
}

/**
 * For what all tests of a suite share: closes it after the last one, in the reverse order. Is called where
 * `after` would be.
 */
export function closeAfterTests(): Closing {
  const closers: (() => unknown)[] = []
  after(async () => {
    for (const close of closers.toReversed()) await close()
  })
  return { after: (close) => void closers.push(close) }
}
