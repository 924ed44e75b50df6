import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Store } from '../../src/storage/contract.ts'

/** What every store must do with what may have ended while a request of it was under way. */
export function sessionContract(store: () => Store): void {
  describe('sessions', () => {
    it('are replaced where they still are, and stay gone where they have ended (A58)', async () => {
      const { artifacts } = store()
      const session = { model: 'Session', id: 'once', uid: 'u', accountId: 'ada', payload: { n: 1 } }
      await artifacts.put(session)
      await artifacts.replaceFleeting('once', { ...session, uid: 'u2', payload: { n: 2 } })
      assert.deepEqual((await artifacts.findByUid('Session', 'u2'))?.payload, { n: 2 })
      assert.equal(await artifacts.findByUid('Session', 'u'), undefined)
      await artifacts.replaceFleeting('once', { ...session, id: 'renamed', payload: { n: 3 } })
      assert.deepEqual((await artifacts.find('Session', 'renamed'))?.payload, { n: 3 })
      assert.equal(await artifacts.find('Session', 'once'), undefined)
      await artifacts.removeOfAccount('Session', 'ada')
      for (const id of ['renamed', 'again']) await artifacts.replaceFleeting('renamed', { ...session, id })
      assert.deepEqual(await artifacts.listByAccount('Session', 'ada'), [])
    })
  })
}
