import assert from 'node:assert/strict'

/** What a call resolves to, if others had their turn meanwhile. */
export async function inTurns<T>(call: () => Promise<T>): Promise<T> {
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
