import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import pg from 'pg'
import { filePaths } from '../../src/audit/files.ts'
import { systemClock } from '../../src/core/clock.ts'
import { StoreAway } from '../../src/core/store-away.ts'
import type { Database } from '../../src/storage/database/database.ts'
import { openPostgres } from '../../src/storage/database/postgres.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { artifactStore } from '../../src/storage/tables/artifacts.ts'
import { clientStore } from '../../src/storage/tables/clients.ts'
import { testSecret } from '../support/engines.ts'
import { startInstallation } from '../support/installation.ts'
import { startPostgres, type TestDatabase, type TestPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const ports = { tenant: 'default', secret: testSecret, clock: systemClock }
const patient = 10_000
const registration = {
  id: 'program',
  source: 'dynamic',
  metadata: {},
  secretHash: undefined,
  createdAt: 0,
  usedAt: undefined,
  expiresAt: undefined,
} as const

describe('what others hold locked', { timeout: 120_000 }, () => {
  let postgres: TestPostgres
  let database: TestDatabase
  const opened: Database[] = []
  before(async () => {
    postgres = await startPostgres()
    database = await postgres.createDatabase()
    await migrate(await open(patient))
  })
  after(async () => {
    for (const db of opened) await db.destroy()
    await database.drop()
    await postgres.stop()
  })

  /** One that others wait for, and that waits, for no longer than so many milliseconds. */
  async function open(patience = 1000): Promise<Database> {
    const db = await openPostgres({ url: database.url, onFault: () => undefined, patience })
    opened.push(db)
    return db
  }

  it('makes the store refuse what waits too long, and does not use it up later (A43, N21)', async (test) => {
    const artifacts = artifactStore({ db: await open(), engine: 'postgres', together: undefined, ...ports })
    await artifacts.put({ model: 'AuthorizationCode', id: 'code', payload: {} })
    // As a migration of a newer version does that makes an index.
    const other = new pg.Client(database.url)
    await other.connect()
    test.after(() => other.end())
    await other.query('begin; lock table artifacts in share mode')
    await assert.rejects(artifacts.consume('AuthorizationCode', 'code'), StoreAway)
    await other.query('commit')
    // Whoever waited for it has it before a later one.
    await other.query('begin; lock table artifacts in access exclusive mode; commit')
    assert.equal(await artifacts.consume('AuthorizationCode', 'code'), true)
  })

  it('also where each of two waits for the other, and does what one of them asked', async () => {
    const [one, other] = [await open(patient), await open(patient)]
    const put = (db: Pick<Database, 'insertInto'>, id: string): Promise<unknown> =>
      db.insertInto('marks').values({ name: id, value: '' }).execute()
    const { promise: bothHold, resolve: hold } = Promise.withResolvers<void>()
    let holding = 0
    const cross = (db: Database, [first, second]: readonly [string, string]): Promise<void> =>
      db.transaction().execute(async (transaction) => {
        await put(transaction, first)
        if (++holding === 2) hold()
        await bothHold
        await put(transaction, second)
      })
    const answers = await Promise.allSettled([cross(one, ['a', 'b']), cross(other, ['b', 'a'])])
    const refused = answers.filter((answer) => answer.status === 'rejected')
    assert.equal(refused.length, 1)
    assert.ok(refused[0]?.reason instanceof StoreAway)
  })

  it('does not end a migration that waits for longer than the operator lets statements take', async (test) => {
    const own = await postgres.createDatabase()
    const name = new URL(own.url).pathname.slice(1)
    await own.query(`alter database ${name} set statement_timeout = 200`)
    const other = new pg.Client(own.url)
    await other.connect()
    const db = await openPostgres({ url: own.url, onFault: () => undefined, patience: undefined })
    test.after(async () => {
      await db.destroy()
      await other.end()
      await own.drop()
    })
    await migrate(db, '0001-initial')
    await other.query('begin; lock table artifacts in share mode')
    const migrated = migrate(db)
    await setTimeout(500)
    await other.query('commit')
    await migrated
  })

  it('and is asked for when the process ends, makes no fault', async (test) => {
    const own = await postgres.createDatabase()
    const installation = await startInstallation({ store: own })
    const other = new pg.Client(own.url)
    await other.connect()
    test.after(async () => {
      await other.end()
      await own.drop()
    })
    await other.query('begin; lock table keys in access exclusive mode')
    // The keys are looked at every second.
    await until(async () => {
      const { rows } = await other.query('select from pg_locks where not granted')
      return rows.length > 0
    }, 'somebody waits for the keys')
    const file = filePaths(join(installation.data, 'audit'))[0] as string
    const closing = installation.close()
    // The store is closed right after the audit.
    await until(() => readFileSync(file, 'utf8').includes('"event":"audit.end"'), 'the audit has ended')
    await other.query('commit')
    await closing
    assert.doesNotMatch(installation.log(), /"msg":"fault"/)
  })

  it('is free again when who holds it stands still in the middle of a transaction (A72)', async (test) => {
    const frozen = await open()
    const { promise: thawed, resolve: thaw } = Promise.withResolvers<void>()
    test.after(() => thaw())
    const { promise: held, resolve: hold } = Promise.withResolvers<void>()
    const stuck = frozen.transaction().execute(async (transaction) => {
      await transaction.insertInto('marks').values({ name: 'clients/default', value: '' }).execute()
      hold()
      await thawed
    })
    await held
    const clients = clientStore({ db: await open(patient), engine: 'postgres', ...ports })
    assert.equal(await clients.register(registration, 10), true)
    thaw()
    await assert.rejects(stuck, StoreAway)
    assert.equal(
      (await clientStore({ db: frozen, engine: 'postgres', ...ports }).find('program'))?.id,
      'program',
    )
  })
})
