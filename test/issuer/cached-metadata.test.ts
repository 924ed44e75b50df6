import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Configuration } from 'openid-client'
import { cacheMetadata } from '../../src/issuer/cached-metadata.ts'
import { movableClock } from '../support/movable-clock.ts'
import { stopTime } from '../support/stop-time.ts'

describe('the metadata of an issuer, once it was read', () => {
  stopTime()
  const open = () => {
    const clock = movableClock()
    const readings: (Configuration | Error)[] = []
    let asked = 0
    const read = cacheMetadata(async () => {
      asked++
      const next = readings.shift() ?? new Error('nothing')
      if (next instanceof Error) throw next
      return next
    }, clock)
    return { clock, readings, read, asked: () => asked }
  }
  const [one, two] = [{}, {}] as [Configuration, Configuration]
  const hour = 3600_000

  it('is kept for an hour, and read once for all who wait', async () => {
    const { clock, readings, read, asked } = open()
    readings.push(one, two)
    assert.deepEqual(await Promise.all([read(), read(), read()]), [one, one, one])
    clock.advance(hour - 1000)
    assert.equal(await read(), one)
    assert.equal(asked(), 1)
    clock.advance(1000)
    assert.equal(await read(), two)
    assert.equal(asked(), 2)
  })

  it('goes on where it cannot be read anew, which is tried again after five seconds', async () => {
    const { clock, readings, read, asked } = open()
    readings.push(one, new Error('away'), new Error('away'), two)
    await read()
    clock.advance(hour)
    for (let time = 0; time < 3; time++) assert.equal(await read(), one)
    assert.equal(asked(), 2)
    clock.advance(5000)
    assert.equal(await read(), one)
    assert.equal(asked(), 3)
    clock.advance(5000)
    assert.equal(await read(), two)
  })

  it('that was never read is told to be missing, without asking for it each time', async () => {
    const { clock, readings, read, asked } = open()
    readings.push(new Error('away'), one)
    for (let time = 0; time < 3; time++) await assert.rejects(read(), /away/)
    assert.equal(asked(), 1)
    clock.advance(5000)
    assert.equal(await read(), one)
  })
})
