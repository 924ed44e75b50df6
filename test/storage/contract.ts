import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { masterSecret } from '../../src/core/secret.ts'
import type { Store } from '../../src/storage/contract.ts'
import type { Engine, TestStore } from '../support/engines.ts'
import { movableClock } from '../support/movable-clock.ts'
import { artifactContract, parallel } from './artifacts.ts'
import { challengeContract } from './challenges.ts'
import { countStatements } from './count-statements.ts'
import { inTurns } from './in-turns.ts'
import { listedArtifactContract } from './listed-artifacts.ts'
import { sessionContract } from './sessions.ts'
import { sweptArtifactContract } from './swept-artifacts.ts'
import { tenantContract } from './tenants.ts'

/** What every store must do, whatever is below it. */
export function storeContract(name: string, startEngine: () => Promise<Engine>): void {
  describe(name, () => {
    const clock = movableClock()
    const soon = (): number => clock.now() + 60_000
    let engine: Engine
    let home: TestStore
    let store: Store
    before(async () => {
      engine = await startEngine()
      home = await engine.create()
      store = await home.open({ clock })
      // Every connection is open before anything races: opening one takes longer than a race does.
      await parallel(() => store.artifacts.find('Nothing', 'warm'))
    })
    after(async () => {
      await store.close()
      await home.destroy()
      await engine.stop()
    })

    artifactContract(() => store, clock)
    challengeContract(() => store, clock)
    listedArtifactContract(() => store, clock)
    sweptArtifactContract(() => store, clock)
    sessionContract(() => store)

    describe('revocations', () => {
      it('are told to listeners, listed, kept once, and swept', async () => {
        const heard: string[] = []
        const stop = store.revocations.subscribe(({ id }) => heard.push(id))
        const began = clock.now()
        await store.revocations.add({ kind: 'grant', id: 'g1', expiresAt: soon() })
        await store.revocations.add({ kind: 'grant', id: 'g1', expiresAt: soon() })
        await store.revocations.add({ kind: 'token', id: 't1', expiresAt: clock.now() + 1000 })
        stop()
        await store.revocations.add({ kind: 'token', id: 't2', expiresAt: soon() })
        // PostgreSQL may tell a process its own notices, too.
        assert.deepEqual([...new Set(heard)], ['g1', 't1'])
        assert.ok(heard.filter((id) => id === 'g1').length >= 2, 'once for each time')
        const since = async (time: number): Promise<string[]> =>
          (await store.revocations.since(time)).map(({ id }) => id).toSorted()
        assert.deepEqual(await since(began), ['g1', 't1', 't2'])
        assert.deepEqual(await since(clock.now() + 1000), [])
        const [first] = await store.revocations.since(began)
        assert.equal(typeof first?.expiresAt, 'number')
        assert.ok(await store.revocations.has('token', 't1'))
        assert.ok(!(await store.revocations.has('grant', 't1')))
        clock.advance(2000)
        assert.equal(await store.revocations.sweep(clock.now()), 1)
        assert.deepEqual(await since(began), ['g1', 't2'])
      })

      it('are made in great number with few statements, and each is told', async () => {
        const expiresAt = soon()
        const began = clock.now()
        const ids = Array.from({ length: 1100 }, (_, index) => `of many ${index}`)
        const all = [...ids, 'of many 7'].map((id) => ({ kind: 'grant', id, expiresAt }) as const)
        await store.revocations.add({ kind: 'grant', id: 'of many 3', expiresAt: clock.now() + 1 })
        const heard: string[] = []
        const stop = store.revocations.subscribe(({ id, revokedAt }) => {
          assert.ok(revokedAt >= began && revokedAt <= clock.now())
          heard.push(id)
        })
        const counted = await countStatements(() => store.revocations.addAll(all))
        stop()
        assert.deepEqual(new Set(heard), new Set(ids))
        const since = (await inTurns(() => store.revocations.since(began))).filter(({ id }) =>
          id.startsWith('of many'),
        )
        assert.deepEqual(since.map(({ id }) => id).toSorted(), ids.toSorted())
        assert.deepEqual(new Set(since.map((one) => one.expiresAt)), new Set([expiresAt]))
        assert.ok(counted < 20, `${counted} statements`)
        await store.revocations.addAll([])
      })

      it('of a client count from the last time', async () => {
        const expiresAt = soon()
        for (let time = 0; time < 2; time++) {
          const began = clock.now()
          await store.revocations.add({ kind: 'client', id: 'c1', expiresAt })
          const revokedAt = (await store.revocations.revokedAt('client', 'c1')) ?? 0
          assert.ok(revokedAt >= began && revokedAt <= clock.now())
          const found = (await store.revocations.since(began)).find(({ id }) => id === 'c1')
          assert.deepEqual(found, { kind: 'client', id: 'c1', expiresAt, revokedAt })
          clock.advance(1000)
        }
        assert.equal(await store.revocations.revokedAt('client', 'c2'), undefined)
        assert.ok(!(await store.revocations.has('grant', 'c1')))
      })
    })

    describe('keys', () => {
      const key = (kid: string, algorithm = 'ES256', purpose = 'p') => ({
        purpose,
        kid,
        algorithm,
        privateJwk: { kty: 'EC', d: 'private-part-of-the-key' },
        createdAt: clock.now(),
      })

      it('of a purpose have one first, whoever comes at once', async () => {
        for (let round = 0; round < 5; round++) {
          const purpose = `round ${round}`
          const names = Array.from({ length: 20 }, (_, index) => `k${index}`)
          const firsts = await Promise.all(
            names.map((kid) => store.keys.addFirst(key(kid, 'ES256', purpose))),
          )
          assert.equal(new Set(firsts.map(({ kid }) => kid)).size, 1)
          assert.deepEqual(await store.keys.list(purpose), [firsts[0]])
        }
      })

      it('have a first of each algorithm', async () => {
        await store.keys.addFirst(key('e'))
        assert.equal((await store.keys.addFirst(key('r', 'RS256'))).kid, 'r')
        assert.equal((await store.keys.list('p')).length, 2)
        assert.deepEqual(await store.keys.list('other'), [])
      })
    })

    tenantContract(() => home, clock)

    describe('what is kept', () => {
      it('holds no id, no payload and no private key that could be read', async () => {
        await store.artifacts.put({
          model: 'RefreshToken',
          id: 'the-bearer-secret',
          payload: { sub: 'the-payload' },
          grantId: 'the-grant',
          uid: 'the-uid',
          userCode: 'ABCD',
        })
        const privateJwk = { d: 'private-part' }
        await store.keys.addFirst({ purpose: 'q', kid: 'k', algorithm: 'ES256', privateJwk, createdAt: 1 })
        const tables = ['artifacts', 'keys', 'revocations', 'marks']
        const rows = await Promise.all(tables.map((table) => home.query(`select * from ${table}`)))
        assert.ok(rows.every((list) => list.length > 0))
        assert.doesNotMatch(
          JSON.stringify(rows),
          /the-bearer-secret|the-payload|the-grant|the-uid|private-part|ABCD/,
        )
      })

      it('is refused with another secret', async () => {
        const foreign = masterSecret(new Uint8Array(32).fill(2))
        await assert.rejects(home.open({ secret: foreign }), {
          name: 'StoreUnusable',
          message: /made with another secret: give .*PORTCULLIS_SECRET/,
        })
      })

      it('is refused when a newer version has made its schema', async () => {
        await home.query(
          `insert into kysely_migration (name, timestamp) values ('9999-future', '2030-01-01')`,
        )
        try {
          await assert.rejects(home.open(), {
            name: 'StoreUnusable',
            message: /newer version of portcullis \(it has 9999-future\): start that version/,
          })
        } finally {
          await home.query(`delete from kysely_migration where name = '9999-future'`)
        }
      })
    })
  })
}
