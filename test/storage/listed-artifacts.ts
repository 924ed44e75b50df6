import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Store } from '../../src/storage/contract.ts'
import type { MovableClock } from '../support/movable-clock.ts'
import { inTurns } from './in-turns.ts'

/** How every store lists artifacts where there are very many. */
export function listedArtifactContract(store: () => Store, clock: MovableClock): void {
  it('lists artifacts in order, however many there are, while everything else goes on', async () => {
    const { artifacts } = store()
    const now = clock.now()
    const numbers = Array.from({ length: 1200 }, (_, number) => number)
    const put = (number: number) => {
      // Many of them expire at the same time.
      const expiresAt = now + 600_000 + (number % 7)
      const payload = { number, expiresAt }
      const accountId = number % 2 === 0 ? 'even' : 'odd'
      const clientId = number < 1100 ? 'popular' : 'other'
      return artifacts.put({ model: 'Numerous', id: String(number), payload, accountId, clientId, expiresAt })
    }
    await Promise.all(numbers.map(put))
    const pageOf = async (text: string, skip: number, most: number) => {
      const found = await inTurns(() => artifacts.list('Numerous', { text, skip, most }))
      return found.map(({ payload }) => payload as { expiresAt: number; number: number })
    }
    const all = [...(await pageOf('', 0, 700)), ...(await pageOf('', 700, 700))]
    assert.deepEqual(
      all.map(({ number }) => number).toSorted((one, other) => one - other),
      numbers,
    )
    const expiries = all.map(({ expiresAt }) => expiresAt)
    assert.deepEqual(
      expiries,
      expiries.toSorted((one, other) => other - one),
    )
    const odd = [...(await pageOf('ODD', 0, 599)), ...(await pageOf('ODD', 599, 10))]
    assert.equal(new Set(odd.map(({ number }) => number)).size, 600)
    assert.deepEqual(await pageOf('', 1200, 10), [])
    assert.equal(await inTurns(() => artifacts.count('Numerous', '')), 1200)
    assert.equal(await artifacts.count('Numerous', 'odd'), 600)
    assert.deepEqual((await artifacts.clientsOf('Numerous')).toSorted(), ['other', 'popular'])

    const popular = await inTurns(() => artifacts.listByClient('Numerous', 'popular'))
    assert.equal(new Set(popular.map(({ payload }) => payload['number'])).size, 1100)
    assert.equal(popular.length, 1100)
    assert.equal((await artifacts.listByClient('Numerous', 'other')).length, 100)
  })
}
