import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { deliveryTo } from '../../src/audit/delivery.ts'
import { type Shipper, shipTo } from '../../src/audit/ship.ts'
import type { Sink } from '../../src/audit/sinks/contract.ts'
import { makeTrailFolder } from '../support/trail.ts'
import { until } from '../support/until.ts'

const idle: Sink = { name: 'idle', deliver: async () => undefined, close: async () => undefined }

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A delivery on a clock that stands still, and all that happens to it, in its order. */
function ship(
  test: TestContext,
  outcomes: readonly (boolean | Error)[],
  { mayShip = (): boolean => true, waits = false } = {},
) {
  test.mock.timers.enable({ apis: ['setTimeout'] })
  const happened: unknown[] = []
  const left = [...outcomes]
  const pass = async (milliseconds: number): Promise<void> => {
    test.mock.timers.tick(milliseconds)
    await turn()
  }
  const delivery = {
    async step() {
      const outcome = left.length > 1 ? left.shift() : left[0]
      happened.push('step')
      if (waits) await turn()
      if (outcome instanceof Error) throw outcome
      return outcome === true
    },
    waitingBytes: 1,
    hasAll: () => false,
  }
  const sink: Sink = { ...idle, close: async () => void happened.push('closed') }
  const onChange = (_sink: string, failure: unknown): void =>
    void happened.push(failure instanceof Error ? failure.message : 'again')
  const shipper: Shipper = shipTo({ sink, delivery, mayShip, onChange })
  return { shipper, pass, happened: () => happened.splice(0) }
}

describe('a delivery to a sink', () => {
  for (const when of ['had begun', 'begins with the end'])
    it(`holds up no end for longer than it may by what is left, if it ${when}`, async () => {
      let steps = 0
      let [running, most] = [0, 0]
      const delivery = {
        async step() {
          most = Math.max(most, ++running)
          await turn()
          running--
          // A sink that never has all: should nothing end this, the test still does.
          return ++steps < 100_000
        },
        waitingBytes: 1,
        hasAll: () => false,
      }
      let isActive = when === 'had begun'
      const shipper = shipTo({ sink: idle, delivery, mayShip: () => isActive, onChange: () => undefined })
      if (isActive) await until(() => steps > 0)
      isActive = true
      await shipper.stop(20)
      let before: number | undefined
      await until(async () => {
        before = steps
        for (let turns = 0; turns < 5; turns++) await turn()
        return steps === before
      })
      assert.ok(steps < 100_000, `${steps} steps`)
      assert.equal(most, 1, 'at a time')
    })

  it('is made at once for each event, and once a second for those of other processes', async (test) => {
    const { shipper, pass, happened } = ship(test, [true, false])
    await pass(0)
    assert.deepEqual(happened(), ['step', 'step'])
    await pass(999)
    assert.deepEqual(happened(), [])
    await pass(1)
    assert.deepEqual(happened(), ['step'])
    for (let event = 0; event < 3; event++) shipper.wake()
    assert.deepEqual(happened(), ['step'], 'no two at a time')
  })

  it('that fails is made again after 1, 2, 4 … 60 seconds, however many events come', async (test) => {
    const { shipper, pass, happened } = ship(test, [new Error('down')])
    await pass(0)
    assert.deepEqual(happened(), ['step', 'down'])
    for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
      shipper.wake()
      await pass(seconds * 1000 - 1)
      assert.deepEqual(happened(), [], `before ${seconds} s`)
      await pass(1)
      assert.deepEqual(happened(), ['step'], `after ${seconds} s`)
    }
  })

  it('is over its failure once something was delivered, and not because another process delivers', async (test) => {
    let holds = true
    const outcomes = [new Error('down'), true, new Error('down again'), false]
    const { pass, happened } = ship(test, outcomes, { mayShip: () => holds })
    await pass(0)
    assert.deepEqual(happened(), ['step', 'down'])
    holds = false
    for (let round = 0; round < 3; round++) await pass(1000)
    assert.deepEqual(happened(), [])
    holds = true
    await pass(1000)
    assert.deepEqual(happened(), ['step', 'again', 'step', 'down again'])
    await pass(1000)
    assert.deepEqual(happened(), ['step', 'again'])
    await pass(1000)
    assert.deepEqual(happened(), ['step'])
  })

  it('of what is left comes before the sink is closed, and nothing comes after that', async (test) => {
    const { shipper, pass, happened } = ship(test, [true, true, false], { waits: true })
    await shipper.stop(5000)
    assert.deepEqual(happened(), ['step', 'step', 'step', 'closed'])
    shipper.wake()
    await pass(60_000)
    assert.deepEqual(happened(), [])
  })

  it('is not awaited at the end where the sink was down', async (test) => {
    const { shipper, pass, happened } = ship(test, [new Error('down')])
    await pass(0)
    await shipper.stop(5000)
    await pass(60_000)
    assert.deepEqual(happened(), ['step', 'down', 'closed'])
  })

  it('holds up no end when nobody accepts or refuses it', { timeout: 10_000 }, async () => {
    const made = makeTrailFolder()
    const { promise: closed, resolve: close } = Promise.withResolvers<void>()
    let deliveries = 0
    const sink: Sink = {
      name: 'silent',
      async deliver() {
        deliveries++
        await closed
        throw new Error('closed')
      },
      close: async () => close(),
    }
    await made.open().close()
    const delivery = deliveryTo(sink, made.folder)
    const shipper = shipTo({ sink, delivery, mayShip: () => true, onChange: () => undefined })
    await until(() => deliveries > 0)
    await shipper.stop(20)
  })
})
