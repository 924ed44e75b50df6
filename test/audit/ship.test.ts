import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deliveryTo } from '../../src/audit/delivery.ts'
import { shipTo } from '../../src/audit/ship.ts'
import type { Sink } from '../../src/audit/sinks/contract.ts'
import { makeTrailFolder } from '../support/trail.ts'
import { until } from '../support/until.ts'

const idle: Sink = { name: 'idle', deliver: async () => undefined, close: async () => undefined }

describe('a delivery to a sink', () => {
  for (const when of ['had begun', 'begins with the end'])
    it(`holds up no end for longer than it may by what is left, if it ${when}`, async () => {
      let steps = 0
      const delivery = {
        async step() {
          await new Promise((resolve) => setImmediate(resolve))
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
      assert.ok(steps < 100_000, `${steps} steps`)
    })

  it('is over its failure once something was delivered, and not because another process delivers', async (test) => {
    test.mock.timers.enable({ apis: ['setTimeout'] })
    const outcomes = [new Error('down'), true, new Error('down again'), true, false]
    const told: unknown[] = []
    let holds = true
    const delivery = {
      async step() {
        const outcome = outcomes.shift()
        if (outcome instanceof Error) throw outcome
        return outcome === true
      },
      waitingBytes: 1,
      hasAll: () => false,
    }
    const onChange = (_sink: string, failure: unknown): void => void told.push((failure as Error)?.message)
    const pass = async (milliseconds: number): Promise<void> => {
      test.mock.timers.tick(milliseconds)
      await new Promise((resolve) => setImmediate(resolve))
    }
    shipTo({ sink: idle, delivery, mayShip: () => holds, onChange })
    await pass(0)
    assert.deepEqual(told, ['down'])
    holds = false
    for (let round = 0; round < 3; round++) await pass(1000)
    assert.deepEqual([told, outcomes.length], [['down'], 4], 'while another process holds the lease')
    holds = true
    await pass(1000)
    assert.deepEqual(told, ['down', undefined, 'down again'])
    await pass(1000)
    assert.deepEqual(told, ['down', undefined, 'down again', undefined])
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
