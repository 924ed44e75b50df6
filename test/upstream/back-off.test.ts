import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Refusal } from '../../src/core/errors.ts'
import { createBackOff } from '../../src/upstream/stdio/back-off.ts'
import { movableClock } from '../support/movable-clock.ts'

describe('a stdio server that keeps crashing', () => {
  it('is started again after a while that doubles, up to a minute', () => {
    const clock = movableClock()
    const backOff = createBackOff(clock)
    const waits: number[] = []
    for (let crash = 0; crash < 10; crash++) {
      backOff.crashed('ada', 10)
      try {
        backOff.check('ada')
        waits.push(0)
      } catch (error) {
        assert.ok(error instanceof Refusal && error.code === 'upstream_unreachable')
        const seconds = error.detail.retryAfterSeconds as number
        waits.push(seconds)
        clock.advance(seconds * 1000)
        backOff.check('ada')
      }
    }
    assert.deepEqual(waits, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60])
  })

  it('holds back nobody but the one for whom it crashes (A36)', () => {
    const backOff = createBackOff(movableClock())
    for (let crash = 0; crash < 5; crash++) backOff.crashed('ada', 10)
    assert.throws(() => backOff.check('ada'))
    backOff.check('eve')
  })

  it('is forgotten with whoever crashed longest ago, when too many have (A36)', () => {
    const backOff = createBackOff(movableClock())
    const crash = (owner: string): void => {
      for (let count = 0; count < 3; count++) backOff.crashed(owner, 10)
    }
    for (let owner = 0; owner < 10_000; owner++) crash(`owner ${owner}`)
    assert.throws(() => backOff.check('owner 0'))
    crash('one more')
    backOff.check('owner 0')
    assert.throws(() => backOff.check('owner 1'))
  })

  it('holds back nobody for as long as the clock is set back (A72)', () => {
    const clock = movableClock()
    const backOff = createBackOff(clock)
    for (let crash = 0; crash < 5; crash++) backOff.crashed('ada', 10)
    assert.throws(() => backOff.check('ada'))
    clock.advance(-3_600_000)
    backOff.check('ada')
  })

  it('counts as mended after it has lived for a minute', () => {
    const backOff = createBackOff(movableClock())
    for (let crash = 0; crash < 2; crash++) backOff.crashed('ada', 10)
    backOff.crashed('ada', 60_000)
    backOff.check('ada')
  })
})
