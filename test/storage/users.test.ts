import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Store } from '../../src/storage/contract.ts'
import { type Engine, postgresEngine, sqliteEngine, type TestStore } from '../support/engines.ts'
import { identityContract } from './identities.ts'
import { inTurns } from './in-turns.ts'
import { passkey, person } from './people.ts'

for (const [name, startEngine] of [
  ['SQLite', sqliteEngine],
  ['PostgreSQL', postgresEngine],
] as const) {
  describe(name, () => {
    let engine: Engine
    let home: TestStore
    let store: Store
    before(async () => {
      engine = await startEngine()
      home = await engine.create()
      store = await home.open()
      // Every connection is open before anything races: opening one takes longer than a race does.
      await Promise.all(Array.from({ length: 20 }, () => store.users.find('nobody')))
    })
    after(async () => {
      await store.close()
      await home.destroy()
      await engine.stop()
    })

    describe('users', () => {
      it('come first once, of 20 at once', async () => {
        assert.equal(await store.users.isEmpty(), true)
        const added = await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            store.users.addFirst(person(`first${index}`), `first${index}`),
          ),
        )
        assert.equal(added.filter(Boolean).length, 1)
        assert.equal(await store.users.isEmpty(), false)
        assert.equal((await store.users.list()).length, 1)
      })

      it('have a name to themselves, of 20 at once', async () => {
        const added = await Promise.all(
          Array.from({ length: 20 }, (_, index) => store.users.add(person(`same${index}`), 'same')),
        )
        assert.equal(added.filter(Boolean).length, 1)
        assert.equal(await store.users.add(person('another'), 'another'), true)
        assert.equal(
          await store.users.add(person('another'), 'yet another'),
          false,
          'an id is never used twice',
        )
      })

      it('are listed once each, while everything else goes on', async () => {
        const ids = Array.from({ length: 600 }, (_, index) => `many${index}`)
        await Promise.all(ids.map((id) => store.users.add(person(id), id)))
        const listed = (await inTurns(() => store.users.list())).map(({ id }) => id)
        assert.deepEqual(listed.filter((id) => id.startsWith('many')).toSorted(), ids.toSorted())
        await Promise.all(ids.map((id) => store.users.remove(id)))
      })

      it('are found by id and by name, as they were put in', async () => {
        await store.users.add(person('ada'), 'ada')
        assert.deepEqual(await store.users.find('ada'), person('ada'))
        assert.deepEqual(await store.users.findByName('ada'), person('ada'))
        assert.equal(await store.users.find('nobody'), undefined)
        assert.equal(await store.users.findByName('ADA'), undefined)
      })

      it('are changed in one place at a time', async () => {
        await store.users.add(person('grace'), 'grace')
        await store.users.setDisabled('grace', 5, 6)
        assert.deepEqual(await store.users.find('grace'), {
          ...person('grace'),
          disabledAt: 5,
          loginsSince: 6,
        })
        await store.users.setDisabled('grace', undefined, 7)
        await store.users.setPassword('grace', 'new', 8)
        await store.users.rehash('grace', 'a hash', 'late')
        assert.equal((await store.users.find('grace'))?.passwordHash, 'new', 'it had changed meanwhile')
        await store.users.rehash('grace', 'new', 'newer')
        assert.deepEqual(await store.users.find('grace'), {
          ...person('grace'),
          passwordHash: 'newer',
          loginsSince: 8,
        })
        assert.deepEqual(await store.users.find('ada'), person('ada'))
      })

      it('change their own password once, of 20 at once, and not when they are disabled', async () => {
        await store.users.add(person('own'), 'own')
        const { loginsSince } = person('own')
        await store.users.setDisabled('own', 1, loginsSince)
        assert.equal(await store.users.replacePassword('own', loginsSince, 'too late', 9), false)
        await store.users.setDisabled('own', undefined, loginsSince)
        const set = await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            store.users.replacePassword('own', loginsSince, `hash ${index}`, loginsSince + 1),
          ),
        )
        assert.equal(set.filter(Boolean).length, 1)
        const winner = `hash ${set.indexOf(true)}`
        assert.deepEqual(await store.users.find('own'), {
          ...person('own'),
          passwordHash: winner,
          loginsSince: loginsSince + 1,
        })
      })

      it('choose their first password once, of 20 at once, and not when they are disabled', async () => {
        await store.users.add({ ...person('invited'), passwordHash: undefined }, 'invited')
        await store.users.setDisabled('invited', 1, 1)
        assert.equal(await store.users.setFirstPassword('invited', 'too late'), false)
        await store.users.setDisabled('invited', undefined, 1)
        const set = await Promise.all(
          Array.from({ length: 20 }, (_, index) => store.users.setFirstPassword('invited', `hash ${index}`)),
        )
        assert.equal(set.filter(Boolean).length, 1)
      })

      it('go with their passkeys', async () => {
        await store.users.add(person('leaver'), 'leaver')
        await store.passkeys.add(passkey('of leaver', 'leaver'), 0)
        await store.users.remove('leaver')
        assert.equal(await store.users.find('leaver'), undefined)
        assert.equal(await store.passkeys.find('of leaver'), undefined)
      })
    })

    describe('attempts', () => {
      const lock = [0, 0, 1000, 4000]
      const attempt = (now: number): Promise<boolean> =>
        store.users.claimAttempt('tried', { now, lock, forgetMs: 60_000 })

      it('lock the account for longer and longer, never for good, and are forgotten', async () => {
        await store.users.add(person('tried'), 'tried')
        assert.deepEqual([await attempt(1000), await attempt(1000), await attempt(1000)], [true, true, true])
        assert.equal(await attempt(1999), false, 'locked for a second after the third')
        assert.equal(await attempt(2000), true)
        assert.equal(await attempt(5999), false)
        assert.equal(await attempt(6000), true)
        assert.equal(await attempt(9999), false, 'the longest lock repeats')
        assert.equal(await attempt(10_000), true)
        const later = 10_000 + 60_001
        assert.deepEqual(
          [await attempt(later), await attempt(later), await attempt(later)],
          [true, true, true],
        )
        assert.equal(await attempt(later), false)
        assert.equal(await store.users.forgetFailures('tried', 'another hash'), undefined)
        assert.equal(await store.users.forgetFailures('tried', undefined), undefined)
        assert.equal(await attempt(later), false, 'nothing is forgotten for a password that is not theirs')
        assert.deepEqual(await store.users.forgetFailures('tried', 'a hash'), person('tried'))
        assert.equal(await attempt(later), true)
      })

      it('succeed for nobody who was disabled or got another password meanwhile', async () => {
        await store.users.add(person('changed'), 'changed')
        await store.users.setDisabled('changed', 1, 1)
        assert.equal(await store.users.forgetFailures('changed', 'a hash'), undefined)
        await store.users.setDisabled('changed', undefined, 2)
        await store.users.setPassword('changed', 'new', 3)
        assert.equal(await store.users.forgetFailures('changed', 'a hash'), undefined)
        assert.equal((await store.users.forgetFailures('changed', 'new'))?.loginsSince, 3)
      })

      it('are forgotten with a new password, whoever sets it', async () => {
        await store.users.add(person('forgiven'), 'forgiven')
        const attempts = async (): Promise<boolean[]> => {
          const made = []
          for (let count = 0; count < 4; count++)
            made.push(await store.users.claimAttempt('forgiven', { now: 1000, lock, forgetMs: 60_000 }))
          return made
        }
        assert.deepEqual(await attempts(), [true, true, true, false])
        await store.users.setPassword('forgiven', 'new', 5)
        assert.deepEqual(await attempts(), [true, true, true, false])
        assert.equal(await store.users.replacePassword('forgiven', 5, 'newer', 6), true)
        assert.deepEqual(await attempts(), [true, true, true, false])
      })

      it('are counted when they come at once', async () => {
        await store.users.forgetFailures('tried', 'a hash')
        const now = Date.now()
        const allowed = await Promise.all(Array.from({ length: 50 }, () => attempt(now)))
        assert.equal(allowed.filter(Boolean).length, 3)
        assert.equal(await store.users.claimAttempt('nobody', { now, lock, forgetMs: 1 }), false)
      })
    })

    describe('passkeys', () => {
      it('are added once and listed for their user, and only their user removes them', async () => {
        await store.users.add(person('hopper'), 'hopper')
        assert.equal(await store.passkeys.add(passkey('k1', 'ada'), 0), true)
        assert.equal(await store.passkeys.add(passkey('k1', 'hopper'), 0), false)
        assert.deepEqual(await store.passkeys.list('ada'), [passkey('k1', 'ada')])
        assert.equal(await store.passkeys.remove('hopper', 'k1'), false)
        assert.equal(await store.passkeys.remove('ada', 'k1'), true)
        assert.deepEqual(await store.passkeys.list('ada'), [])
      })

      it('go with a new password, those of one user alone', async () => {
        assert.equal(await store.passkeys.add(passkey('k3', 'ada'), 0), true)
        assert.equal(await store.passkeys.add(passkey('k4', 'hopper'), 0), true)
        for (const [id, owner] of [
          ['k3', 'ada'],
          ['k4', 'hopper'],
        ] as const)
          assert.deepEqual(await store.passkeys.find(id), passkey(id, owner), 'whoever signs in with it')
        await store.users.setPassword('ada', 'new', 1)
        assert.deepEqual(await store.passkeys.list('ada'), [])
        assert.deepEqual(await store.passkeys.list('hopper'), [passkey('k4', 'hopper')])
      })

      it('go all at once, those of one user alone', async () => {
        for (const id of ['k7', 'k8']) await store.passkeys.add(passkey(id, 'ada'), 1)
        assert.equal((await store.passkeys.list('ada')).length, 2)
        await store.passkeys.removeAll('ada')
        assert.deepEqual(await store.passkeys.list('ada'), [])
        assert.deepEqual(await store.passkeys.list('hopper'), [passkey('k4', 'hopper')])
      })

      it('are used with a counter that grows, or with none at all', async () => {
        const { loginsSince = 0 } = (await store.users.find('ada')) ?? {}
        await store.passkeys.add(passkey('k2', 'ada'), loginsSince)
        const use = (counter: number, usedAt: number): Promise<boolean> =>
          store.passkeys.use('k2', { counter, usedAt, loginsSince })
        assert.equal(await use(0, 2), true)
        assert.equal(await use(0, 3), true)
        const results = await Promise.all(Array.from({ length: 20 }, () => use(7, 4)))
        assert.equal(results.filter(Boolean).length, 1)
        assert.equal(await use(6, 5), false)
        assert.equal(await use(0, 5), false, 'a counter that is gone')
        assert.deepEqual(await store.passkeys.find('k2'), { ...passkey('k2', 'ada'), counter: 7, usedAt: 4 })
        assert.equal(await store.passkeys.use('unknown', { counter: 1, usedAt: 1, loginsSince }), false)
      })

      it('are added for no login that was ended meanwhile, and for no user who is disabled or unknown (A58)', async () => {
        await store.users.add(person('changing'), 'changing')
        const add = (id: string, loginsSince: number): Promise<boolean> =>
          store.passkeys.add(passkey(id, 'changing'), loginsSince)
        assert.equal(await store.passkeys.add(passkey('k6', 'nobody'), 0), false)
        await store.users.setDisabled('changing', 1, 5)
        assert.equal(await add('k6', 5), false)
        await store.users.setDisabled('changing', undefined, 6)
        assert.equal(await add('k6', 5), false)
        assert.equal(await add('k6', 6), true)
      })

      it('are gone with the password that changed while they were added, however it falls (A58)', async () => {
        await store.users.add(person('racing'), 'racing')
        for (let round = 1; round <= 30; round++) {
          const adding = Array.from({ length: 6 }, (_, index) =>
            store.passkeys.add(passkey(`r${round}-${index}`, 'racing'), round - 1),
          )
          await Promise.all([...adding, store.users.setPassword('racing', 'new', round)])
          assert.deepEqual(await store.passkeys.list('racing'), [])
        }
      })

      it('are no use for a login that was ended meanwhile, nor to a user who is disabled (A58)', async () => {
        await store.users.add(person('ended'), 'ended')
        await store.passkeys.add(passkey('k5', 'ended'), 0)
        const use = (loginsSince: number): Promise<boolean> =>
          store.passkeys.use('k5', { counter: 0, usedAt: 1, loginsSince })
        assert.equal(await use(0), true)
        await store.users.setDisabled('ended', undefined, 7)
        assert.equal(await use(0), false)
        assert.equal(await use(7), true)
        await store.users.setDisabled('ended', 8, 8)
        assert.equal(await use(8), false)
      })
    })

    identityContract(() => store)
  })
}
