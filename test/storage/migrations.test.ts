import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { sql } from 'kysely'
import type { Store } from '../../src/storage/contract.ts'
import { openSqlite } from '../../src/storage/database/sqlite.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { type Engine, postgresEngine, sqliteEngine, type TestStore } from '../support/engines.ts'

/** The rows of a store of the first version, as that version wrote them with the secret of the tests. */
const firstRows = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/store-0001.json'), 'utf8'),
) as Record<string, Record<string, string | number | null>[]>

describe('a store that another process has locked', () => {
  it('is refused with what to wait for', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'portcullis-locked-')), 'portcullis.sqlite')
    const db = openSqlite(file)
    const other = new DatabaseSync(file)
    other.exec('begin immediate')
    await sql`pragma busy_timeout = 10`.execute(db)
    await assert.rejects(migrate(db), {
      name: 'StoreUnusable',
      message: /database is locked; wait until the process that is writing to it is done, or end that one$/,
    })
    other.close()
    await db.destroy()
  })
})

for (const startEngine of [sqliteEngine, postgresEngine]) {
  describe(`a store of the first version: ${startEngine === sqliteEngine ? 'SQLite' : 'PostgreSQL'}`, () => {
    let engine: Engine
    let home: TestStore
    let store: Store
    before(async () => {
      engine = await startEngine()
      home = await engine.create()
      const db = await home.openRaw()
      await migrate(db, '0001-initial')
      for (const [table, rows] of Object.entries(firstRows)) {
        for (const row of rows) {
          const columns = sql.join(Object.keys(row).map((column) => sql.ref(column)))
          await sql`insert into ${sql.table(table)} (${columns}) values (${sql.join(Object.values(row))})`.execute(
            db,
          )
        }
      }
      await db.destroy()
      store = await home.open()
    })
    after(async () => {
      await store.close()
      await home.destroy()
      await engine.stop()
    })

    it('gives everything back after it was brought to this version', async () => {
      const { artifacts, revocations, keys } = store
      assert.equal((await artifacts.find('Client', 'client-1'))?.payload['client_name'], 'Old client')
      assert.equal((await artifacts.findByUid('Session', 'session-uid'))?.payload['accountId'], 'ada')
      assert.ok(await artifacts.findByUserCode('DeviceCode', 'ABCD-EFGH'))
      assert.equal((await artifacts.listByAccount('Grant', 'ada')).length, 1)
      assert.ok(await revocations.has('grant', 'revoked-grant'))
      assert.equal((await revocations.since(0)).length, 2)
      const [key] = await keys.list('authorization-server')
      assert.deepEqual(key, {
        purpose: 'authorization-server',
        kid: 'key-1',
        algorithm: 'ES256',
        privateJwk: { kty: 'EC', d: 'not a real key' },
        createdAt: 1_700_000_000_000,
        generation: 1,
        signsFrom: 1_700_000_000_000,
        endsAt: undefined,
      })
    })

    it('keeps used what was used, and good what was good', async () => {
      const { artifacts } = store
      assert.equal((await artifacts.find('RefreshToken', 'refresh-used'))?.consumedAt, 1_700_000_000_000)
      assert.equal(await artifacts.consume('RefreshToken', 'refresh-used'), false)
      assert.equal(await artifacts.consume('RefreshToken', 'refresh-live'), true)
      await artifacts.removeGrants(['grant-1'])
      assert.equal(await artifacts.find('RefreshToken', 'refresh-live'), undefined)
      assert.equal(await artifacts.find('Grant', 'grant-1'), undefined)
    })
  })
}
