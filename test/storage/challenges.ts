import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Store } from '../../src/storage/contract.ts'
import type { MovableClock } from '../support/movable-clock.ts'
import { parallel } from './artifacts.ts'

/** What every store must do with grants that are challenged for more scopes. */
export function challengeContract(store: () => Store, clock: MovableClock): void {
  describe('challenged grants', () => {
    it('are found by their uid, and answer once, of 50 at once, and not when it is too late', async () => {
      const grant = { model: 'Grant', id: 'challenged', uid: 'its name', payload: {} }
      await store().artifacts.put(grant)
      await store().artifacts.put({ ...grant, id: 'other', uid: 'another name' })
      await store().artifacts.put({ ...grant, model: 'Session' })
      assert.equal((await store().artifacts.find('Grant', 'challenged'))?.challengedUntil, undefined)
      for (let round = 0; round < 10; round++) {
        const until = clock.now() + 60_000
        await store().artifacts.challenge('Grant', 'its name', until)
        await store().artifacts.put(grant)
        assert.equal((await store().artifacts.find('Grant', 'challenged'))?.challengedUntil, until)
        const results = await parallel(() => store().artifacts.answerChallenge('Grant', 'challenged'))
        assert.equal(results.filter(Boolean).length, 1)
        assert.equal((await store().artifacts.find('Grant', 'challenged'))?.challengedUntil, undefined)
      }
      for (const [model, id] of [
        ['Grant', 'other'],
        ['Session', 'challenged'],
      ] as const)
        assert.equal((await store().artifacts.find(model, id))?.challengedUntil, undefined, model)
      await store().artifacts.remove('Session', 'challenged')
      await store().artifacts.challenge('Grant', 'its name', clock.now() + 1000)
      clock.advance(2000)
      assert.equal(await store().artifacts.answerChallenge('Grant', 'challenged'), false)
      await store().artifacts.removeGrants(['challenged', 'other'])
    })
  })
}
