import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible'
import { countWith, inMemory } from '../../src/limits/count.ts'
import { stopTime } from '../support/stop-time.ts'

const bound = { name: 'calls', points: 2, seconds: 60 }

describe('a limit', () => {
  stopTime()
  it('is the same wherever it is opened with the same bound, and another one with another (A36)', async () => {
    const open = countWith(inMemory)
    for (let n = 0; n < 2; n++) assert.equal(await open(bound).take('ada'), 0)
    assert.equal(await open(bound).take('ada'), 60)
    for (const other of [{ name: 'logins' }, { points: 3 }, { seconds: 30 }])
      assert.equal(await open({ ...bound, ...other }).take('ada'), 0)
  })

  it('lets in as many as were taken back, and says how long one has to wait without counting', async () => {
    const limit = countWith(inMemory, (key) => `hash of ${key}`)(bound)
    await limit.take('ada')
    for (let n = 0; n < 3; n++) assert.equal(await limit.wait('ada'), 0)
    await limit.take('ada')
    assert.deepEqual([await limit.wait('ada'), await limit.wait('eve')], [60, 0])
    await limit.forgive('ada')
    assert.equal(await limit.take('ada'), 0)
  })

  it('counts each key by its name in that place alone', async () => {
    const keys: unknown[] = []
    const limiter = {
      consume: async (key: string) => void keys.push(key),
      get: async (key: string) => (keys.push(key), null),
      reward: async (key: string) => void keys.push(key),
    } as unknown as RateLimiterAbstract
    const limit = countWith(
      () => limiter,
      (key) => `hash of ${key}`,
    )(bound)
    await limit.take('ada')
    await limit.wait('ada')
    await limit.forgive('ada')
    assert.deepEqual(
      keys,
      Array.from({ length: 3 }, () => 'hash of ada'),
    )
  })

  it('says whole seconds, after which it lets in, and takes no fault for an answer', async () => {
    let refused: unknown
    const limiter = { consume: () => Promise.reject(refused) } as unknown as RateLimiterAbstract
    const limit = countWith(() => limiter)(bound)
    for (const [milliseconds, seconds] of [
      [0, 1],
      [1000, 1],
      [1001, 2],
    ] as const) {
      refused = new RateLimiterRes(0, milliseconds)
      assert.equal(await limit.take('ada'), seconds)
    }
    refused = new Error('away')
    await assert.rejects(limit.take('ada'), /away/)
  })
})
