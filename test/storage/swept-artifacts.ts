import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Store } from '../../src/storage/contract.ts'
import type { MovableClock } from '../support/movable-clock.ts'

/** What every store does with artifacts that have expired. */
export function sweptArtifactContract(store: () => Store, clock: MovableClock): void {
  describe('expired artifacts', () => {
    it('are swept, and nothing is that has not expired', async () => {
      await store().artifacts.put({ model: 'Short', id: 's', payload: {}, expiresAt: clock.now() + 1000 })
      await store().artifacts.put({ model: 'Endless', id: 'e', payload: {} })
      await store().artifacts.sweep(clock.now())
      assert.ok(await store().artifacts.find('Short', 's'))
      clock.advance(2000)
      assert.ok((await store().artifacts.sweep(clock.now())) >= 1)
      assert.equal(await store().artifacts.find('Short', 's'), undefined)
      assert.ok(await store().artifacts.find('Endless', 'e'))
    })

    it('are kept to the end of the last millisecond, where a time of somebody else has fractions', async () => {
      const now = clock.now()
      const jti = { model: 'Fraction', id: 'f', payload: {}, expiresAt: now + 0.25 }
      assert.ok(await store().artifacts.insertOnce(jti))
      assert.equal(await store().artifacts.sweep(now + 1, ['Fraction']), 0)
      assert.equal(await store().artifacts.sweep(now + 2, ['Fraction']), 1)
    })

    it('are swept, however many there are', async () => {
      const now = clock.now()
      const expiries = Array.from({ length: 900 }, (_, index) => now + Math.max(0, index - 300))
      const put = (expiresAt: number, index: number) =>
        store().artifacts.insertOnce({ model: 'Many', id: String(index), payload: {}, expiresAt })
      await Promise.all(expiries.map(put))
      clock.advance(2000)
      assert.equal(await store().artifacts.sweep(clock.now(), ['Many']), 900)
    })

    it('are swept of one model where it is named', async () => {
      const expiresAt = clock.now() + 1000
      for (const model of ['Kept', 'Swept'])
        await store().artifacts.put({ model, id: 'x', payload: {}, expiresAt })
      clock.advance(2000)
      assert.equal(await store().artifacts.sweep(clock.now(), ['Swept']), 1)
      assert.ok(await store().artifacts.find('Kept', 'x'))
      assert.equal(await store().artifacts.find('Swept', 'x'), undefined)
    })
  })
}
