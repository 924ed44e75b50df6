import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Store } from '../../src/storage/contract.ts'
import type { MovableClock } from '../support/movable-clock.ts'
import { countStatements } from './count-statements.ts'
import { inTurns } from './in-turns.ts'

const atOnce = 50

/** Calls 50 times at once. */
export function parallel<T>(call: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: atOnce }, call))
}

/** What every store must do with artifacts. */
export function artifactContract(store: () => Store, clock: MovableClock): void {
  const soon = (): number => clock.now() + 60_000
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
      await store().artifacts.put(artifact)
      const found = { payload: artifact.payload, consumedAt: undefined }
      assert.deepEqual(await store().artifacts.find('Session', 'i'), found)
      assert.deepEqual(await store().artifacts.findByUid('Session', 'u'), found)
      assert.deepEqual(await store().artifacts.findByUserCode('Session', 'c'), found)
      assert.equal(await store().artifacts.find('Other', 'i'), undefined)
      assert.equal(await store().artifacts.findByUid('Other', 'u'), undefined)
      assert.equal(await store().artifacts.findByUserCode('Other', 'c'), undefined)
      await store().artifacts.put({ ...artifact, payload: { a: 2 } })
      assert.deepEqual((await store().artifacts.find('Session', 'i'))?.payload, { a: 2 })
      await store().artifacts.remove('Session', 'i')
      assert.equal(await store().artifacts.find('Session', 'i'), undefined)
    })

    it('are consumed once, of 50 at once, and stay to be found', async () => {
      for (let round = 0; round < 10; round++) {
        const id = `code ${round}`
        await store().artifacts.put({ model: 'Code', id, payload: {}, expiresAt: soon() })
        const results = await parallel(() => store().artifacts.consume('Code', id))
        assert.equal(results.filter(Boolean).length, 1)
        const consumedAt = (await store().artifacts.find('Code', id))?.consumedAt
        assert.ok(typeof consumedAt === 'number' && Math.abs(consumedAt - clock.now()) < 60_000)
        await store().artifacts.put({ model: 'Code', id, payload: { again: true } })
        assert.equal(await store().artifacts.consume('Code', id), false, 'writing again does not make it new')
      }
      assert.equal(await store().artifacts.consume('Code', 'unknown'), false)
    })

    it('are found with their grant, which holds one refresh token after another, of 50 at once one', async () => {
      const grantId = 'holder'
      const token = (serial: number, n = 0) => ({ payload: { n }, serial, uses: [{ at: 5, request: 'r' }] })
      const hold = (serial: number, before: number | undefined) =>
        Promise.all(
          Array.from({ length: atOnce }, (_, n) =>
            store().artifacts.holdRefreshToken(grantId, token(serial, n), before),
          ),
        )
      assert.equal((await hold(0, undefined)).filter(Boolean).length, 0, 'without a grant')
      const grant = { model: 'Grant', id: grantId, grantId, payload: { of: 'all' } }
      await store().artifacts.put(grant)
      await store().artifacts.put({ model: 'Code', id: 'with grant', grantId, payload: { n: 0 } })
      for (const [serial, before] of [
        [0, undefined],
        [1, 0],
        [5, 1],
      ] as const) {
        const results = await hold(serial, before)
        assert.equal(results.filter(Boolean).length, 1)
        await store().artifacts.put(grant)
        assert.deepEqual(await store().artifacts.findWithGrant('Code', 'with grant'), {
          found: { payload: { n: 0 }, consumedAt: undefined },
          grant: {
            payload: { of: 'all' },
            consumedAt: undefined,
            refreshToken: token(serial, results.indexOf(true)),
          },
        })
      }
      for (const before of [undefined, 0, 1, 4, 6])
        assert.equal((await hold(6, before)).filter(Boolean).length, 0, `it does not have ${before}`)
      await store().artifacts.removeGrants([grantId])
      assert.deepEqual(await store().artifacts.findWithGrant('Code', 'with grant'), {
        found: undefined,
        grant: undefined,
      })
      assert.equal(await store().artifacts.holdRefreshToken(grantId, token(6), 5), false)
    })

    it('that are consumed give their grant its first refresh token, of 50 at once, or none', async () => {
      const grantId = 'giver'
      const token = (n: number) => ({ payload: { n }, serial: 0, uses: [] })
      const redeem = (id: string, n: number) =>
        store().artifacts.consume('Code', id, { grantId, token: token(n) })
      const heldBy = async () => (await store().artifacts.find('Grant', grantId))?.refreshToken
      await store().artifacts.put({ model: 'Grant', id: grantId, grantId, payload: {} })
      for (const id of ['spent', 'first', 'second'])
        await store().artifacts.put({ model: 'Code', id, grantId, payload: {}, expiresAt: soon() })
      await store().artifacts.consume('Code', 'spent')
      clock.advance(1)
      for (const id of ['unknown', 'spent']) assert.equal(await redeem(id, 99), false)
      assert.equal(await heldBy(), undefined)
      for (let round = 0; round < 10; round++) {
        const id = `another ${round}`
        await store().artifacts.put({ model: 'Code', id, payload: {}, expiresAt: soon() })
        // In the same millisecond.
        const both = [store().artifacts.consume('Code', id), redeem('spent', 99)]
        assert.deepEqual(await Promise.all(both), [true, false])
        assert.equal(
          await heldBy(),
          undefined,
          'a code that another request uses up gives nothing to this one',
        )
      }
      const results = await Promise.all(Array.from({ length: atOnce }, (_, index) => redeem('first', index)))
      assert.equal(results.filter(Boolean).length, 1)
      const held = await heldBy()
      assert.equal(await redeem('second', 99), false, 'the grant has one')
      assert.deepEqual(await heldBy(), held)
      await store().artifacts.removeGrants([grantId])
    })

    it('are listed by account, the last to expire first, of one client and so many where that is said', async () => {
      const accountId = 'lister'
      for (const [id, clientId, later] of [
        ['a', 'one', 1],
        ['b', 'one', 3],
        ['c', 'other', 2],
      ] as const) {
        const expiresAt = soon() + later * 1000
        await store().artifacts.put({ model: 'Listed', id, payload: { id }, accountId, clientId, expiresAt })
      }
      const list = async (only?: { clientId?: string; most?: number }) =>
        (await store().artifacts.listByAccount('Listed', accountId, only)).map(({ payload }) => payload['id'])
      assert.deepEqual(await list(), ['b', 'c', 'a'])
      assert.deepEqual(await list({ clientId: 'one' }), ['b', 'a'])
      assert.deepEqual(await list({ clientId: 'one', most: 1 }), ['b'])
    })

    it('of all accounts are listed page by page, and found by client, account and name', async () => {
      const put = (id: string, accountId: string | undefined, clientId: string, later = 0) =>
        store().artifacts.put({
          model: 'Paged',
          id,
          payload: { id },
          accountId,
          clientId,
          expiresAt: soon() + later,
        })
      const user = {
        id: 'usr_1',
        name: 'Grace',
        displayName: 'Ädmiral of the Öresund',
        passwordHash: undefined,
      }
      const since = { createdAt: 1, disabledAt: undefined, loginsSince: 1, provider: undefined }
      await store().users.add({ ...user, ...since }, 'paged')
      await put('nobody', undefined, 'an-app', 9000)
      await put('over', 'usr_1', 'an-app', -60_000)
      await put('a', 'usr_1', 'an-app', 3000)
      await put('b', 'ada', 'https://other.example/50%_off', 2000)
      await put('c', 'ada', 'an-app', 1000)
      const page = async (text: string, skip = 0, most = 10) =>
        (await store().artifacts.list('Paged', { text, skip, most })).map(({ payload }) => payload['id'])
      assert.deepEqual(
        [await page(''), await page('', 1, 1), await store().artifacts.count('Paged', '')],
        [['a', 'b', 'c'], ['b'], 3],
      )
      assert.deepEqual(
        new Set(await store().artifacts.clientsOf('Paged')),
        new Set(['an-app', 'https://other.example/50%_off']),
      )
      for (const [text, found] of [
        ['grace', ['a']],
        ['Ädmiral', ['a']],
        ['THE ÖRE', ['a']],
        ['ADA', ['b', 'c']],
        ['AN-APP', ['a', 'c']],
        ['50%_', ['b']],
        ['5__', []],
        ["' or 1=1", []],
      ] as const) {
        assert.deepEqual(await page(text), found, text)
        assert.equal(await store().artifacts.count('Paged', text), found.length, text)
      }
    })

    it('are inserted once, of 50 at once', async () => {
      for (let round = 0; round < 10; round++) {
        const seen = { model: 'ReplayDetection', id: `jti ${round}`, payload: {}, expiresAt: soon() }
        const results = await parallel(() => store().artifacts.insertOnce(seen))
        assert.equal(results.filter(Boolean).length, 1)
      }
    })

    it('are taken once, of 50 at once, and not when they have expired', async () => {
      for (let round = 0; round < 10; round++) {
        await store().artifacts.put({ model: 'Mark', id: 'm', payload: { x: 1 }, expiresAt: soon() })
        const results = await parallel(() => store().artifacts.take('Mark', 'm'))
        assert.deepEqual(
          results.filter((result) => result !== undefined).map(({ payload }) => payload),
          [{ x: 1 }],
        )
      }
      await store().artifacts.put({ model: 'Mark', id: 'm', payload: {}, expiresAt: clock.now() + 1000 })
      clock.advance(2000)
      assert.equal(await store().artifacts.take('Mark', 'm'), undefined)
    })

    it('go with their grant, and no others do', async () => {
      await store().artifacts.put({ model: 'Grant', id: 'g', payload: {} })
      await store().artifacts.put({ model: 'RefreshToken', id: 'r', payload: {}, grantId: 'g' })
      await store().artifacts.put({ model: 'RefreshToken', id: 'other', payload: {}, grantId: 'h' })
      await store().artifacts.put({ model: 'Session', id: 'g', payload: {} })
      await store().artifacts.removeGrants(['g'])
      assert.equal(await store().artifacts.find('Grant', 'g'), undefined)
      assert.equal(await store().artifacts.find('RefreshToken', 'r'), undefined)
      assert.ok(await store().artifacts.find('RefreshToken', 'other'))
      assert.ok(await store().artifacts.find('Session', 'g'))
    })

    it('go with their grants, however many there are, with few statements', async () => {
      const many = Array.from({ length: 1100 }, (_, index) => `many ${index}`)
      const put = (model: string, id: string, grantId: string) =>
        store().artifacts.put({ model, id, payload: {}, grantId, accountId: 'giver of many' })
      const putAll = async () => {
        for (let from = 0; from < many.length; from += 50)
          await Promise.all(
            many.slice(from, from + 50).flatMap((id) => [put('Grant', id, id), put('Code', id, id)]),
          )
      }
      await putAll()
      await Promise.all([many, many.toReversed()].map((ids) => store().artifacts.removeGrants(ids)))
      await putAll()
      await put('Code', 'of another', 'another')
      const given = await inTurns(() => store().artifacts.listByAccount('Grant', 'giver of many'))
      assert.equal(given.length, many.length)
      assert.ok((await countStatements(() => store().artifacts.removeGrants(many))) < 20)
      assert.deepEqual(await store().artifacts.listByAccount('Grant', 'giver of many'), [])
      assert.equal((await store().artifacts.listByAccount('Code', 'giver of many')).length, 1)
      await store().artifacts.removeGrants([])
      await store().artifacts.removeGrants(['another'])
    })

    it('of an account go at once, of the one model', async () => {
      const put = (model: string, id: string, accountId: string) =>
        store().artifacts.put({ model, id, payload: {}, accountId })
      for (const id of ['1', '2']) await put('Kind', `leaving ${id}`, 'leaver')
      await put('Kind', 'staying', 'stayer')
      await put('Other', 'leaving', 'leaver')
      assert.equal(await countStatements(() => store().artifacts.removeOfAccount('Kind', 'leaver')), 1)
      const left = await Promise.all(
        (['leaving 1', 'leaving 2', 'staying'] as const).map((id) => store().artifacts.find('Kind', id)),
      )
      assert.deepEqual(
        left.map((found) => found !== undefined),
        [false, false, true],
      )
      assert.ok(await store().artifacts.find('Other', 'leaving'))
    })

    it('are listed by the account that they belong to', async () => {
      for (const [id, accountId] of [
        ['1', 'ada'],
        ['2', 'ada'],
        ['3', 'bob'],
      ] as const)
        await store().artifacts.put({ model: 'Grant', id: `of ${id}`, payload: { id }, accountId })
      await store().artifacts.put({ model: 'Session', id: 's', payload: {}, accountId: 'ada' })
      const listed = await store().artifacts.listByAccount('Grant', 'ada')
      assert.deepEqual(new Set(listed.map(({ payload }) => payload['id'])), new Set(['1', '2']))
      assert.deepEqual(await store().artifacts.listByAccount('Grant', 'eve'), [])
    })

    it('tell whether a client has one that has not expired', async () => {
      const has = (clientId: string, model = 'Grant') => store().artifacts.hasOfClient(model, clientId)
      await store().artifacts.put({
        model: 'Grant',
        id: 'h1',
        payload: {},
        clientId: 'has',
        expiresAt: soon(),
      })
      await store().artifacts.put({ model: 'Grant', id: 'h2', payload: {}, clientId: 'lasting' })
      assert.deepEqual([await has('has'), await has('lasting')], [true, true])
      assert.deepEqual([await has('hasn'), await has(''), await has('has', 'Session')], [false, false, false])
      clock.advance(61_000)
      assert.deepEqual([await has('has'), await has('lasting')], [false, true])
      await store().artifacts.removeGrants(['h2'])
      assert.equal(await has('lasting'), false)
    })
  })
}
