import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { masterSecret } from '../../src/core/secret.ts'
import type { Store } from '../../src/storage/contract.ts'
import type { Engine, TestStore } from '../support/engines.ts'
import { movableClock } from '../support/movable-clock.ts'

const atOnce = 50

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

    describe('artifacts', () => {
      it('are found by id, uid and user code, with their payload', async () => {
        const artifact = {
          model: 'Session',
          id: 'i',
          payload: { a: 1, text: 'é ☃ \u{1f600} \u0000 "\\' },
          uid: 'u',
          userCode: 'c',
          expiresAt: soon(),
        }
        await store.artifacts.put(artifact)
        const found = { payload: artifact.payload, consumedAt: undefined }
        assert.deepEqual(await store.artifacts.find('Session', 'i'), found)
        assert.deepEqual(await store.artifacts.findByUid('Session', 'u'), found)
        assert.deepEqual(await store.artifacts.findByUserCode('Session', 'c'), found)
        assert.equal(await store.artifacts.find('Other', 'i'), undefined)
        await store.artifacts.put({ ...artifact, payload: { a: 2 } })
        assert.deepEqual((await store.artifacts.find('Session', 'i'))?.payload, { a: 2 })
        await store.artifacts.remove('Session', 'i')
        assert.equal(await store.artifacts.find('Session', 'i'), undefined)
      })

      it('are consumed once, of 50 at once, and stay to be found', async () => {
        for (let round = 0; round < 10; round++) {
          const id = `code ${round}`
          await store.artifacts.put({ model: 'Code', id, payload: {}, expiresAt: soon() })
          const results = await parallel(() => store.artifacts.consume('Code', id))
          assert.equal(results.filter(Boolean).length, 1)
          const consumedAt = (await store.artifacts.find('Code', id))?.consumedAt
          assert.ok(typeof consumedAt === 'number' && Math.abs(consumedAt - clock.now()) < 60_000)
          await store.artifacts.put({ model: 'Code', id, payload: { again: true } })
          assert.equal(await store.artifacts.consume('Code', id), false, 'writing again does not make it new')
        }
        assert.equal(await store.artifacts.consume('Code', 'unknown'), false)
      })

      it('keep the answer of the one that consumed them, of 50 at once, for a while', async () => {
        await store.artifacts.put({ model: 'Once', id: 'o', payload: {}, expiresAt: soon() })
        const answers = Array.from({ length: 50 }, (_, index) => `answer ${index}`)
        const began = clock.now()
        const results = await Promise.all(
          answers.map((answer) => store.artifacts.consume('Once', 'o', { answer })),
        )
        assert.equal((await store.artifacts.find('Once', 'o'))?.answer, answers[results.indexOf(true)])
        await store.artifacts.put({ model: 'Once', id: 'o', payload: { again: true } })
        await store.artifacts.forgetAnswers(began)
        assert.equal((await store.artifacts.find('Once', 'o'))?.answer, answers[results.indexOf(true)])
        await store.artifacts.forgetAnswers(clock.now() + 1000)
        const found = await store.artifacts.find('Once', 'o')
        assert.equal(found?.answer, undefined)
        assert.ok(found?.consumedAt)
      })

      it('are challenged by their uid, and answer once, of 50 at once, and not when it is too late', async () => {
        const grant = { model: 'Grant', id: 'challenged', uid: 'its name', payload: {} }
        await store.artifacts.put(grant)
        await store.artifacts.put({ ...grant, id: 'other', uid: 'another name' })
        assert.equal((await store.artifacts.find('Grant', 'challenged'))?.challengedUntil, undefined)
        for (let round = 0; round < 10; round++) {
          const until = soon()
          await store.artifacts.challenge('Grant', 'its name', until)
          await store.artifacts.put(grant)
          assert.equal((await store.artifacts.find('Grant', 'challenged'))?.challengedUntil, until)
          const results = await parallel(() => store.artifacts.answerChallenge('Grant', 'challenged'))
          assert.equal(results.filter(Boolean).length, 1)
          assert.equal((await store.artifacts.find('Grant', 'challenged'))?.challengedUntil, undefined)
        }
        assert.equal((await store.artifacts.find('Grant', 'other'))?.challengedUntil, undefined)
        await store.artifacts.challenge('Grant', 'its name', clock.now() + 1000)
        clock.advance(2000)
        assert.equal(await store.artifacts.answerChallenge('Grant', 'challenged'), false)
        await store.artifacts.removeGrant('challenged')
        await store.artifacts.removeGrant('other')
      })

      it('are inserted once, of 50 at once', async () => {
        for (let round = 0; round < 10; round++) {
          const seen = { model: 'ReplayDetection', id: `jti ${round}`, payload: {}, expiresAt: soon() }
          const results = await parallel(() => store.artifacts.insertOnce(seen))
          assert.equal(results.filter(Boolean).length, 1)
        }
      })

      it('are taken once, of 50 at once, and not when they have expired', async () => {
        for (let round = 0; round < 10; round++) {
          await store.artifacts.put({ model: 'Mark', id: 'm', payload: { x: 1 }, expiresAt: soon() })
          const results = await parallel(() => store.artifacts.take('Mark', 'm'))
          assert.deepEqual(
            results.filter((result) => result !== undefined).map(({ payload }) => payload),
            [{ x: 1 }],
          )
        }
        await store.artifacts.put({ model: 'Mark', id: 'm', payload: {}, expiresAt: clock.now() + 1000 })
        clock.advance(2000)
        assert.equal(await store.artifacts.take('Mark', 'm'), undefined)
      })

      it('go with their grant, and no others do', async () => {
        await store.artifacts.put({ model: 'Grant', id: 'g', payload: {} })
        await store.artifacts.put({ model: 'RefreshToken', id: 'r', payload: {}, grantId: 'g' })
        await store.artifacts.put({ model: 'RefreshToken', id: 'other', payload: {}, grantId: 'h' })
        await store.artifacts.put({ model: 'Session', id: 'g', payload: {} })
        await store.artifacts.removeGrant('g')
        assert.equal(await store.artifacts.find('Grant', 'g'), undefined)
        assert.equal(await store.artifacts.find('RefreshToken', 'r'), undefined)
        assert.ok(await store.artifacts.find('RefreshToken', 'other'))
        assert.ok(await store.artifacts.find('Session', 'g'))
      })

      it('are listed by the account that they belong to', async () => {
        for (const [id, accountId] of [
          ['1', 'ada'],
          ['2', 'ada'],
          ['3', 'bob'],
        ] as const)
          await store.artifacts.put({ model: 'Grant', id: `of ${id}`, payload: { id }, accountId })
        await store.artifacts.put({ model: 'Session', id: 's', payload: {}, accountId: 'ada' })
        const listed = await store.artifacts.listByAccount('Grant', 'ada')
        assert.deepEqual(new Set(listed.map(({ payload }) => payload['id'])), new Set(['1', '2']))
        assert.deepEqual(await store.artifacts.listByAccount('Grant', 'eve'), [])
      })

      it('are swept when they have expired, and never before', async () => {
        await store.artifacts.put({ model: 'Short', id: 's', payload: {}, expiresAt: clock.now() + 1000 })
        await store.artifacts.put({ model: 'Endless', id: 'e', payload: {} })
        await store.artifacts.sweep(clock.now())
        assert.ok(await store.artifacts.find('Short', 's'))
        clock.advance(2000)
        assert.ok((await store.artifacts.sweep(clock.now())) >= 1)
        assert.equal(await store.artifacts.find('Short', 's'), undefined)
        assert.ok(await store.artifacts.find('Endless', 'e'))
      })

      it('are swept of one model where it is named', async () => {
        const expiresAt = clock.now() + 1000
        for (const model of ['Kept', 'Swept'])
          await store.artifacts.put({ model, id: 'x', payload: {}, expiresAt })
        clock.advance(2000)
        assert.equal(await store.artifacts.sweep(clock.now(), 'Swept'), 1)
        assert.ok(await store.artifacts.find('Kept', 'x'))
        assert.equal(await store.artifacts.find('Swept', 'x'), undefined)
      })
    })

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
        assert.deepEqual(heard, ['g1', 'g1', 't1'])
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

      it('keeps tenants apart', async () => {
        const other = await home.open({ clock, tenant: 'other' })
        const artifact = { model: 'Client', id: 'shared', payload: { mine: true }, uid: 'u2', userCode: 'c2' }
        await store.artifacts.put({ ...artifact, grantId: 'g2', accountId: 'zoe', expiresAt: soon() })
        await store.revocations.add({ kind: 'grant', id: 'mine', expiresAt: soon() })
        assert.equal(await other.artifacts.find('Client', 'shared'), undefined)
        assert.equal(await other.artifacts.findByUid('Client', 'u2'), undefined)
        assert.equal(await other.artifacts.findByUserCode('Client', 'c2'), undefined)
        assert.deepEqual(await other.artifacts.listByAccount('Client', 'zoe'), [])
        assert.equal(await other.artifacts.consume('Client', 'shared'), false)
        assert.equal(await other.artifacts.take('Client', 'shared'), undefined)
        assert.equal(await other.revocations.has('grant', 'mine'), false)
        assert.deepEqual(await other.revocations.since(0), [])
        assert.deepEqual(await other.keys.list('p'), [])
        await other.artifacts.removeGrant('g2')
        await other.artifacts.remove('Client', 'shared')
        await other.artifacts.sweep(clock.now() + 1e9)
        assert.equal(await other.artifacts.insertOnce({ ...artifact, payload: { theirs: true } }), true)
        assert.deepEqual((await store.artifacts.find('Client', 'shared'))?.payload, { mine: true })
        await other.close()
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

/** Calls 50 times at once. */
function parallel<T>(call: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: atOnce }, call))
}
