import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { floorOf, judgeGrowth, type Point } from '../../bench/soak/growth.ts'

/** Half an hour, a sample every ten seconds. The wave is what a collector of garbage makes of it. */
function course(value: (minute: number) => number): Point[] {
  return Array.from({ length: 181 }, (_, index) => {
    const wave = ((index * 7) % 13) - 6
    return { seconds: index * 10, value: value(index / 6) + wave * 3 }
  })
}

describe('the rule for growth', () => {
  it('takes a wave, and a rise at the start that ends, for flat', () => {
    assert.equal(
      judgeGrowth(
        course(() => 150),
        8,
      ).grew,
      false,
    )
    assert.equal(
      judgeGrowth(
        course((minute) => 100 + 50 * Math.min(1, minute / 5)),
        8,
      ).grew,
      false,
    )
  })

  it('sees a slow leak under the wave', () => {
    const { grew, first, last, climb } = judgeGrowth(
      course((minute) => 150 + minute * 1.5),
      8,
    )
    assert.equal(grew, true)
    assert.ok(last > first && climb > 25 && climb < 35, `${first} ${last} ${climb}`)
  })

  it('does not take what falls again for growth', () => {
    assert.equal(
      judgeGrowth(
        course((minute) => (minute > 18 && minute < 22 ? 400 : 150)),
        8,
      ).grew,
      false,
    )
  })

  it('takes what has come to its level within the window for flat', () => {
    const steps = course((minute) => (minute < 14 ? 210 : 255))
    assert.equal(judgeGrowth(steps, 8).grew, false)
  })

  it('sees a leak under a saw of garbage by what is left each time, and none where that stays', () => {
    const saw = (minute: number): number => ((minute * 60) % 110) / 2
    const floor = (leak: number): Point[] =>
      floorOf(
        course((minute) => 70 + saw(minute) + leak * minute),
        12,
      )
    assert.equal(judgeGrowth(floor(0), 8).grew, false)
    assert.equal(judgeGrowth(floor(0.8), 8).grew, true)
  })

  it('does not judge what is too short', () => {
    assert.equal(judgeGrowth(course((minute) => minute * 100).slice(0, 10), 8).grew, undefined)
    const fourMinutes = course((minute) => minute * 100).slice(0, 36)
    assert.equal(judgeGrowth(fourMinutes, 8).grew, true)
    assert.equal(judgeGrowth(fourMinutes, 8, 36).grew, undefined, 'of waves that are longer')
  })
})
