import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Store } from '../../src/storage/contract.ts'
import type { MovableClock } from '../support/movable-clock.ts'

/** How every store lists the artifacts of accounts, where there are very many. */
export function listedArtifactContract(store: () => Store, clock: MovableClock): void {
  it('lists artifacts in order, however many there are, while everything else goes on', async () => {
    const { artifacts } = store()
    const now = clock.now()
    // Many of them expire at the same time.
    const numbers = Array.from({ length: 1200 }, (_, number) => number)
    const put = (number: number) =>
      artifacts.put({
        model: 'Numerous',
        id: String(number),
        payload: { expiresAt: now + 1000 + (number % 7), number },
        accountId: number % 2 === 0 ? 'even' : 'odd',
        clientId: `client ${number % 3}`,
        expiresAt: now + 1000 + (number % 7),
      })
    await Promise.all(numbers.map(put))
    const pageOf = async (text: string, skip: number, most: number) => {
      let turns = 0
      const count = (): void => {
        turns++
        waiting = setImmediate(count)
      }
      let waiting = setImmediate(count)
      const found = await artifacts.list('Numerous', { text, skip, most })
      clearImmediate(waiting)
      assert.ok(turns > 0)
      return found.map(({ payload }) => payload as { expiresAt: number; number: number })
    }
    const all = [...(await pageOf('', 0, 700)), ...(await pageOf('', 700, 700))]
    assert.deepEqual(new Set(all.map(({ number }) => number)), new Set(numbers))
    assert.equal(all.length, 1200)
    const expiries = all.map(({ expiresAt }) => expiresAt)
    assert.deepEqual(
      expiries,
      expiries.toSorted((one, other) => other - one),
    )
    const odd = [...(await pageOf('ODD', 0, 599)), ...(await pageOf('ODD', 599, 10))]
    assert.equal(new Set(odd.map(({ number }) => number)).size, 600)
    assert.deepEqual(await pageOf('', 1200, 10), [])
    assert.equal(await artifacts.count('Numerous', ''), 1200)
    assert.equal(await artifacts.count('Numerous', 'odd'), 600)
    assert.deepEqual((await artifacts.clientsOf('Numerous')).toSorted(), ['client 0', 'client 1', 'client 2'])
  })
}
