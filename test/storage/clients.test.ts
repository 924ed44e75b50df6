import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { StoredClient } from '../../src/storage/client-contract.ts'
import type { Store } from '../../src/storage/contract.ts'
import { type Engine, postgresEngine, sqliteEngine, type TestStore } from '../support/engines.ts'
import { movableClock } from '../support/movable-clock.ts'

const day = 24 * 3600 * 1000

for (const startEngine of [sqliteEngine, postgresEngine]) {
  const clock = movableClock()
  let engine: Engine
  let home: TestStore
  let store: Store

  const client = (id: string, changes: Partial<StoredClient> = {}): StoredClient => ({
    id,
    source: 'dynamic',
    metadata: { client_name: `a program called ${id}` },
    secretHash: undefined,
    createdAt: clock.now(),
    usedAt: undefined,
    expiresAt: clock.now() + day,
    ...changes,
  })

  const register = (id: string, ceiling?: number): Promise<boolean> =>
    store.clients.register(client(id), ceiling)
  const ids = async (): Promise<string[]> => (await store.clients.list()).map(({ id }) => id).toSorted()

  describe(`registered clients in the store: ${startEngine === sqliteEngine ? 'SQLite' : 'PostgreSQL'}`, () => {
    before(async () => {
      engine = await startEngine()
      home = await engine.create()
      store = await home.open({ clock })
      // Every connection is open before anything races: opening one takes longer than a race does.
      await Promise.all(Array.from({ length: 40 }, () => store.clients.find('nobody')))
    })
    after(async () => {
      await store.close()
      await home.destroy()
      await engine.stop()
    })

    it('are listed once each, the latest first, while everything else goes on', async () => {
      const numbers = Array.from({ length: 300 }, (_, number) => number)
      await Promise.all(
        numbers.map((number) =>
          store.clients.register(client(`many-${number}`, { createdAt: clock.now() + number }), undefined),
        ),
      )
      let turns = 0
      const waiting = setInterval(() => turns++, 0)
      const listed = (await store.clients.list()).map(({ id }) => id)
      clearInterval(waiting)
      assert.deepEqual(
        listed,
        numbers.toReversed().map((number) => `many-${number}`),
      )
      assert.ok(turns > 0)
      await Promise.all(listed.map((id) => store.clients.remove(id)))
    })

    it('are found until they expire, listed and removed', async () => {
      const full = client('full', { source: 'operator', secretHash: 'hash', expiresAt: undefined })
      assert.equal(await store.clients.register(full, undefined), true)
      assert.deepEqual(await store.clients.find('full'), full)
      assert.equal(await store.clients.find('other'), undefined)
      await register('short')
      assert.deepEqual(await ids(), ['full', 'short'])
      clock.advance(day + 1)
      assert.equal(await store.clients.find('short'), undefined)
      assert.deepEqual(await ids(), ['full'], 'also before it is swept')
      assert.ok(await store.clients.find('full'), 'what an operator registered stays')
      assert.equal(await store.clients.sweep(clock.now()), 1)
      assert.equal(await store.clients.remove('full'), true)
      assert.equal(await store.clients.remove('full'), false)
    })

    it('are listed until the millisecond in which they are found no more', async () => {
      const now = clock.now()
      const frozen = await home.open({ clock: { now: () => now } })
      const { clients } = frozen
      for (const left of [-1, 0, 1])
        await clients.register(client(`${left}`, { expiresAt: now + left }), undefined)
      const found = await Promise.all(['-1', '0', '1'].map((id) => clients.find(id)))
      const listed = await clients.list()
      for (const left of [-1, 0, 1]) await clients.remove(`${left}`)
      await frozen.close()
      assert.deepEqual(
        found.map((one) => one?.id),
        [undefined, undefined, '1'],
      )
      assert.deepEqual(
        listed.map(({ id }) => id),
        ['1'],
      )
    })

    it('live on when they are used, and when they register again', async () => {
      await register('used')
      await register('again')
      await store.clients.markUsed('used', clock.now() + 10 * day)
      assert.ok((await store.clients.find('used'))?.usedAt)
      clock.advance(day / 2)
      await register('again')
      await register('used')
      clock.advance(day / 2 + 1)
      assert.ok(await store.clients.find('again'))
      clock.advance(day)
      assert.equal(await store.clients.find('again'), undefined)
      assert.ok(await store.clients.find('used'), 'registering again takes nothing from a client in use')
      await store.clients.markUsed('used', clock.now() + 10 * day)
      clock.advance(9 * day)
      assert.ok(await store.clients.find('used'))
      await store.clients.remove('used')
      await store.clients.sweep(clock.now())
    })

    it('are marked as used after that has failed once', async () => {
      await register('marked')
      await home.query('alter table clients rename to clients_elsewhere')
      await assert.rejects(store.clients.markUsed('marked', clock.now() + 10 * day))
      await home.query('alter table clients_elsewhere rename to clients')
      await store.clients.markUsed('marked', clock.now() + 10 * day)
      assert.ok((await store.clients.find('marked'))?.usedAt)
      await store.clients.remove('marked')
    })

    it('make room for new ones, the oldest first, unless they are in use or an operator’s (A56, N16)', async () => {
      const operators = client('o', { source: 'operator', expiresAt: undefined })
      assert.equal(await store.clients.register(operators, undefined), true)
      for (const id of ['a', 'b', 'c']) {
        assert.equal(await register(id, 3), true)
        clock.advance(1)
      }
      await store.clients.markUsed('a', clock.now() + 10 * day)
      assert.equal(await register('d', 3), true)
      assert.deepEqual(await ids(), ['a', 'c', 'd', 'o'])
      for (const id of ['c', 'd']) await store.clients.markUsed(id, clock.now() + 10 * day)
      assert.equal(await register('e', 3), false)
      assert.equal(await register('c', 3), true, 'one that is there needs no room')
      assert.deepEqual(await ids(), ['a', 'c', 'd', 'o'])
      clock.advance(11 * day)
      assert.equal(await register('e', 3), true, 'what has expired makes room, although it was used')
      assert.ok(await store.clients.find('o'))
      for (const { id } of await store.clients.list()) await store.clients.remove(id)
    })

    it('keep to the ceiling when many come at once', async () => {
      const results = await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          store.clients.register(
            client(`many-${index}`, { usedAt: clock.now(), expiresAt: clock.now() + day }),
            10,
          ),
        ),
      )
      assert.equal(results.filter(Boolean).length, 10)
      assert.equal((await ids()).length, 10)
      const same = await Promise.all(Array.from({ length: 20 }, () => register('same')))
      assert.ok(same.every(Boolean))
      assert.equal((await ids()).filter((id) => id === 'same').length, 1)
    })

    it('get another secret only where they have one', async () => {
      await store.clients.register(client('secret', { secretHash: 'old' }), undefined)
      assert.equal(await store.clients.replaceSecret('secret', 'new'), true)
      assert.equal((await store.clients.find('secret'))?.secretHash, 'new')
      assert.equal(await store.clients.replaceSecret('same', 'new'), false)
      assert.equal(await store.clients.replaceSecret('nobody', 'new'), false)
    })

    it('belong to one tenant, and are sealed', async () => {
      const other = await home.open({ clock, tenant: 'other' })
      assert.deepEqual(await other.clients.list(), [])
      assert.equal(await other.clients.find('secret'), undefined)
      assert.equal(await other.clients.remove('secret'), false)
      await other.clients.register(client('secret', { metadata: { mine: true } }), undefined)
      assert.deepEqual((await other.clients.find('secret'))?.metadata, { mine: true })
      assert.equal((await store.clients.find('secret'))?.secretHash, 'new')
      await other.close()
      const rows = JSON.stringify(await home.query('select * from clients'))
      assert.ok(rows.includes('"id":"secret"') && !rows.includes('a program called'))
    })
  })
}
