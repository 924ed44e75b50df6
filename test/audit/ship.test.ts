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
