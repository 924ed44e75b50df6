import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { fairTurns } from '../../src/http/fair-turns.ts'

describe('turns', () => {
  /** Takes a place as soon as there is one, and notes who has it. */
  const queueUp = (turns: ReturnType<typeof fairTurns>, begun: string[], key: string, name: string) =>
    turns.take(key).then((done) => {
      begun.push(name)
      return done
    })

  it('are taken by one key after the other, and within a key by who came first (A36)', async () => {
    const turns = fairTurns({ places: 2 })
    const first = [await turns.take('a'), await turns.take('a')]
    const begun: string[] = []
    const waiting = ['a1', 'a2', 'a3', 'b1', 'b2', 'c1'].map((name) =>
      queueUp(turns, begun, name.slice(0, 1), name),
    )
    await setImmediate()
    assert.deepEqual(begun, [])
    for (const done of first) done?.()
    await Promise.all([waiting[0], waiting[3]])
    assert.deepEqual(begun, ['a1', 'b1'])
    for (const one of [waiting[0], waiting[3], waiting[5], waiting[1]]) (await one)?.()
    await setImmediate()
    assert.deepEqual(begun, ['a1', 'b1', 'c1', 'a2', 'b2', 'a3'])
    for (const one of [waiting[4], waiting[2]]) (await one)?.()
    // All places are free again, and no more than there were.
    assert.ok(await turns.take('d'))
    assert.ok(await turns.take('d'))
    assert.equal(await turns.take('d', AbortSignal.timeout(1)), undefined)
  })

  it('are not waited for by more than may wait, nor for longer', async () => {
    const turns = fairTurns({ places: 1, waiting: 1 })
    const done = await turns.take('a')
    const stop = new AbortController()
    const waiting = turns.take('a', stop.signal)
    assert.equal(await turns.take('a'), undefined)
    stop.abort()
    assert.equal(await waiting, undefined)
    assert.equal(await turns.take('a', stop.signal), undefined)
    const next = turns.take('a')
    done?.()
    assert.ok(await next)
  })
})
