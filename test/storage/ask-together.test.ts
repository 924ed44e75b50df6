import assert from 'node:assert/strict'
import { after, before, describe, it, mock } from 'node:test'
import pg from 'pg'
import { systemClock } from '../../src/core/clock.ts'
import { StoreAway } from '../../src/core/store-away.ts'
import type { Store } from '../../src/storage/contract.ts'
import { openDatabase, type SharedDatabase } from '../../src/storage/database/open-database.ts'
import { openStore } from '../../src/storage/open.ts'
import { testSecret } from '../support/engines.ts'
import { startPostgres, type TestDatabase, type TestPostgres } from '../support/postgres.ts'

const names = ['acme', 'globex', 'initech'] as const

describe('what the stores of tenants in one database ask in the same turn', () => {
  let server: TestPostgres
  let home: TestDatabase
  let shared: SharedDatabase
  let stores: readonly Store[]
  before(async () => {
    server = await startPostgres()
    home = await server.createDatabase()
    shared = await openDatabase(home.url, () => undefined)
    const open = (tenant: string) =>
      openStore({ folder: undefined, database: shared, secret: testSecret, clock: systemClock, tenant })
    stores = await Promise.all(names.map(open))
    for (const [at, store] of stores.entries()) {
      for (const kid of ['k1', 'k2', 'k3'].slice(0, at + 1)) {
        const key = { kid, algorithm: 'ES256', privateJwk: { of: names[at] }, createdAt: Number(kid[1]) }
        await store.keys.add({ ...key, purpose: 'access' }, { generation: Number(kid[1]), signsFrom: 0 })
        await store.keys.add({ ...key, purpose: 'identity' }, { generation: Number(kid[1]), signsFrom: 0 })
      }
      await store.revocations.add({ kind: 'grant', id: `of ${names[at]}`, expiresAt: 2e12 })
    }
  })
  after(async () => {
    await shared.close()
    await home.drop()
    await server.stop()
  })

  it('is one statement for all, and each is told what is its own', async () => {
    const query = mock.method(pg.Client.prototype, 'query')
    try {
      const keys = await Promise.all(stores.map(({ keys: own }) => own.list('access')))
      assert.equal(query.mock.callCount(), 1)
      assert.deepEqual(
        keys.map((all) => all.map(({ kid, purpose, privateJwk }) => [kid, purpose, privateJwk['of']])),
        [
          [['k1', 'access', 'acme']],
          [
            ['k2', 'access', 'globex'],
            ['k1', 'access', 'globex'],
          ],
          [
            ['k3', 'access', 'initech'],
            ['k2', 'access', 'initech'],
            ['k1', 'access', 'initech'],
          ],
        ],
      )
      const times = [0, 2e12, 0]
      const revoked = await Promise.all(
        stores.map(({ revocations }, at) => revocations.since(times[at] as number)),
      )
      assert.equal(query.mock.callCount(), 2)
      assert.deepEqual(
        revoked.map((all) => all.map(({ kind, id, expiresAt }) => [kind, id, expiresAt])),
        [[['grant', 'of acme', 2e12]], [], [['grant', 'of initech', 2e12]]],
      )
      const [first] = revoked[0] ?? []
      assert.deepEqual(Object.keys(first ?? {}), ['kind', 'id', 'expiresAt', 'revokedAt'])
    } finally {
      query.mock.restore()
    }
  })

  it('is asked again the next time, and fails for all while the database is away', async () => {
    const [acme] = stores as [Store]
    await acme.keys.end('access', ['k1'], 5)
    assert.deepEqual(
      (await acme.keys.list('access')).map(({ endsAt }) => endsAt),
      [5],
    )
    const away = mock.method(pg.Client.prototype, 'query', () => Promise.reject(new Error('gone')))
    try {
      const asked = await Promise.allSettled(stores.map(({ revocations }) => revocations.since(0)))
      assert.ok(asked.every((one) => one.status === 'rejected' && one.reason instanceof StoreAway))
    } finally {
      away.mock.restore()
    }
    assert.equal((await acme.revocations.since(0)).length, 1)
  })
})
