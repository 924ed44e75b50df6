import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Store } from '../../src/storage/contract.ts'
import { login, person } from './people.ts'

/** What every store must do with users for whom an identity provider vouches. */
export function identityContract(store: () => Store): void {
  describe('identities', () => {
    const eve = { ...login('eve'), credential: 'refresh token', now: 10 }

    it('become one user, of 20 logins at once, whose id and name stay', async () => {
      const entered = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          store().identities.enter({ ...eve, ...nameless(`eve${index}`), now: 10 }),
        ),
      )
      const [first] = entered
      assert.ok(first)
      assert.deepEqual(new Set(entered.map(({ id }) => id)).size, 1)
      const again = await store().identities.enter({
        ...eve,
        user: { ...eve.user, id: 'renamed', name: 'renamed', displayName: 'Eve II' },
        nameKey: 'renamed',
        facts: { ...eve.facts, groups: ['board'] },
        credential: undefined,
        now: 20,
      })
      assert.deepEqual(again, { ...first, displayName: 'Eve II' })
      assert.equal(await store().users.find('renamed'), undefined)
      assert.deepEqual(await store().identities.findByUser(first.id), {
        issuer: eve.issuer,
        subject: eve.subject,
        userId: first.id,
        facts: { ...eve.facts, groups: ['board'] },
        credential: 'refresh token',
        loggedInAt: 20,
        askedAt: 20,
        confirmedAt: 20,
      })
      await store().users.remove(first.id)
      assert.equal(await store().identities.findByUser(first.id), undefined, 'goes with its user')
    })

    it('are found by issuer and subject together, and never by a name or an address', async () => {
      await store().users.add(person('local eve'), 'eve of nobody')
      const same = await store().identities.enter(eve)
      const elsewhere = { ...eve, ...nameless('elsewhere'), issuer: 'https://another.example' }
      const other = { ...eve, ...nameless('other'), subject: 'subject-2' }
      assert.equal((await store().identities.enter(elsewhere)).id, 'elsewhere')
      assert.equal((await store().identities.enter(other)).id, 'other')
      assert.equal(same.id, 'eve')
      const findUser = async (issuer: string, subject: string) => store().identities.findUser(issuer, subject)
      assert.equal((await findUser(eve.issuer, eve.subject))?.id, 'eve')
      assert.equal((await findUser('https://another.example', eve.subject))?.id, 'elsewhere')
      assert.equal(await findUser('https://another.example', 'subject-2'), undefined)
      assert.deepEqual(await store().users.find('local eve'), person('local eve'))
    })

    it('are asked about once, of 20 at once', async () => {
      const asked = await Promise.all(
        Array.from({ length: 20 }, () => store().identities.claimQuestion('eve', 10, 30)),
      )
      assert.equal(asked.filter(Boolean).length, 1)
      assert.equal(await store().identities.claimQuestion('eve', 10, 31), false)
      assert.equal(await store().identities.claimQuestion('nobody', 10, 31), false)
      assert.equal((await store().identities.findByUser('eve'))?.askedAt, 30)
    })

    it('are confirmed, or refused with their logins until then, only where nobody has logged in since', async () => {
      const answer = { facts: { ...eve.facts, roles: ['admin'] }, credential: 'next', now: 40 }
      const found = async () => {
        const { credential, confirmedAt, facts } = (await store().identities.findByUser('eve')) ?? {}
        return [credential, confirmedAt, facts?.roles]
      }
      await store().identities.confirm('eve', { ...answer, loggedInAt: 9 })
      await store().identities.refuse('eve', { loggedInAt: 9, now: 50 })
      assert.deepEqual(await found(), ['refresh token', 10, []])
      await store().identities.confirm('eve', { ...answer, loggedInAt: 10 })
      assert.deepEqual(await found(), ['next', 40, ['admin']])
      const since = async (): Promise<number | undefined> => (await store().users.find('eve'))?.loginsSince
      const before = await since()
      await store().identities.refuse('eve', { loggedInAt: 10, now: 50_000 })
      assert.deepEqual(await found(), [undefined, 40, ['admin']])
      assert.deepEqual([before, await since()], [0, 50_000])
      assert.equal((await store().identities.findByUser('eve'))?.loggedInAt, 0)
      await store().identities.refuse('eve', { loggedInAt: 10, now: 60_000 })
      assert.equal(await since(), 50_000, 'once')
      await store().identities.enter({ ...eve, now: 45_000 })
      await store().identities.refuse('eve', { loggedInAt: 45_000, now: 45_000 })
      assert.equal(await since(), 51_000, 'later than before, though the clock was set back')
      assert.equal((await store().users.find('other'))?.loginsSince, 0)
      assert.equal((await store().identities.findByUser('other'))?.credential, 'refresh token')
    })
  })
}

/** The same login of somebody whose user would have another id and name. */
function nameless(id: string) {
  const { user } = login(id)
  return { user, nameKey: id }
}
