import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../src/core/clock.ts'
import type { Database } from '../../src/storage/database/database.ts'
import { openPostgres } from '../../src/storage/database/postgres.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { artifactStore } from '../../src/storage/tables/artifacts.ts'
import { testSecret } from '../support/engines.ts'
import { startPostgres, type TestDatabase, type TestPostgres } from '../support/postgres.ts'

const ports = { tenant: 'default', secret: testSecret, clock: systemClock }

describe('a database whose administrator chose another isolation of transactions', {
  timeout: 120_000,
}, () => {
  let postgres: TestPostgres
  let database: TestDatabase
  let processes: readonly Database[]
  before(async () => {
    postgres = await startPostgres()
    database = await postgres.createDatabase()
    const name = new URL(database.url).pathname.slice(1)
    await database.query(`alter database ${name} set default_transaction_isolation = 'serializable'`)
    const open = (): Promise<Database> =>
      openPostgres({ url: database.url, onFault: () => undefined, patience: 10_000 })
    processes = await Promise.all([open(), open(), open()])
    for (const db of processes) await migrate(db)
  })
  after(async () => {
    for (const db of processes) await db.destroy()
    await database.drop()
    await postgres.stop()
  })

  it('serves requests that change the same row at the same moment, each once (A43)', async () => {
    const stores = processes.map((db) =>
      artifactStore({ db, engine: 'postgres', together: undefined, ...ports }),
    )
    for (let code = 0; code < 100; code++) {
      await stores[0]?.put({ model: 'AuthorizationCode', id: `code-${code}`, payload: {} })
      const won = await Promise.all(
        [...stores, ...stores, ...stores].map((store) => store.consume('AuthorizationCode', `code-${code}`)),
      )
      assert.equal(won.filter(Boolean).length, 1)
    }
  })
})
