import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { blockClient, endAccessOf } from '../../src/compose/remove-client.ts'
import { longestTokenSeconds } from '../../src/core/lifetimes.ts'
import { openStore } from '../../src/storage/open.ts'
import { testSecret } from '../support/engines.ts'
import { movableClock } from '../support/movable-clock.ts'

/** A store, with how to let a client have a grant. */
async function open(test: TestContext) {
  const clock = movableClock()
  const store = await openStore({ folder: undefined, secret: testSecret, clock })
  test.after(() => store.close())
  const grant = (id: string, clientId: string): Promise<void> =>
    store.artifacts.put({
      model: 'Grant',
      id,
      payload: { jti: id },
      clientId,
      accountId: 'ada',
      expiresAt: clock.now() + 3_600_000,
    })
  const left = async (clientId: string): Promise<number> =>
    (await store.artifacts.listByClient('Grant', clientId)).length
  return { clock, store, grant, left }
}

describe('the access of a client (A9)', () => {
  it('ends for as long as a token can be valid, and nobody else’s does', async (test) => {
    const { clock, store, grant, left } = await open(test)
    await Promise.all([grant('1', 'editor'), grant('2', 'editor'), grant('3', 'other')])
    const before = clock.now()
    assert.equal(await endAccessOf(store, clock, 'editor'), 2)
    assert.deepEqual([await left('editor'), await left('other')], [0, 1])
    await store.revocations.sweep(before + longestTokenSeconds * 1000)
    assert.notEqual(await store.revocations.revokedAt('client', 'editor'), undefined)
    assert.equal(await store.revocations.revokedAt('client', 'other'), undefined)
  })

  it('ends again for one that is blocked already: something may have been given meanwhile', async (test) => {
    const { clock, store, grant, left } = await open(test)
    const block = () => blockClient(store, clock, { id: 'editor', operator: 'root' })
    await grant('1', 'editor')
    assert.equal(await block(), 1)
    await grant('2', 'editor')
    assert.equal(await block(), undefined)
    assert.equal(await left('editor'), 0)
  })
})
