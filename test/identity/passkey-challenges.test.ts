import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { passkeyChallenges } from '../../src/identity/passkey-challenges.ts'
import type { Store } from '../../src/storage/contract.ts'
import { openStore } from '../../src/storage/open.ts'
import { testSecret } from '../support/engines.ts'
import { movableClock } from '../support/movable-clock.ts'

const clock = movableClock()
let store: Store
before(async () => {
  store = await openStore({ folder: undefined, secret: testSecret, clock })
})
after(() => store.close())

describe('a challenge for a passkey', () => {
  const occasion = { purpose: 'login', holder: 'a browser' } as const
  const challenges = () => passkeyChallenges({ artifacts: store.artifacts, secret: testSecret, clock })
  const give = (): string => Buffer.from(challenges().give(occasion)).toString('base64url')

  it('is answered once, of 20 at once, however it is spelled', async () => {
    const challenge = give()
    assert.notEqual(challenge, give())
    const spellings = Array.from({ length: 20 }, (_, index) => challenge + '='.repeat(index % 3))
    const taken = await Promise.all(spellings.map((one) => challenges().take(one, occasion)))
    assert.equal(taken.filter(Boolean).length, 1)
  })

  it('is answered by its holder, for its purpose, within ten minutes', async () => {
    const challenge = give()
    assert.equal(await challenges().take(challenge, { ...occasion, holder: 'another browser' }), false)
    assert.equal(await challenges().take(challenge, { ...occasion, purpose: 'registration' }), false)
    for (const made of ['', 'x', challenge.slice(1), `${challenge.slice(0, -4)}AAAA`]) {
      assert.equal(await challenges().take(made, occasion), false)
    }
    clock.advance(10 * 60_000)
    assert.equal(await challenges().take(challenge, occasion), false)
    assert.equal(await challenges().take(give(), occasion), true)
  })
})
