import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'

/** What a call resolves to, if others had their turn meanwhile. */
export async function inTurns<T>(call: () => Promise<T>): Promise<T> {
  // From the event of a file on, immediates come before the answer of any server, however soon that comes.
  await stat('.')
  let turns = 0
  const count = (): void => {
    turns++
    waiting = setImmediate(count)
  }
  let waiting = setImmediate(count)
  const found = await call()
  clearImmediate(waiting)
  assert.ok(turns > 0)
  return found
}
