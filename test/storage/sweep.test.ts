import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { sql } from 'kysely'
import { sweepStore } from '../../src/compose/sweep.ts'
import { masterSecret } from '../../src/core/secret.ts'
import type { ArtifactStore } from '../../src/storage/artifact-contract.ts'
import type { Store } from '../../src/storage/contract.ts'
import type { Database } from '../../src/storage/database/database.ts'
import { openSqlite } from '../../src/storage/database/sqlite.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { rowsInTurn } from '../../src/storage/pieces.ts'
import { artifactStore } from '../../src/storage/tables/artifacts.ts'
import { removeExpired } from '../../src/storage/tables/remove-expired.ts'
import { movableClock } from '../support/movable-clock.ts'
import { countStatements } from './count-statements.ts'

describe('a sweep of the embedded store', () => {
  let db: Database
  let store: ArtifactStore
  beforeEach(async () => {
    db = openSqlite(':memory:')
    await migrate(db)
    const ports = { db, tenant: 'default', secret: masterSecret(Buffer.alloc(32)), clock: movableClock() }
    store = artifactStore({ ...ports, engine: 'sqlite', together: undefined })
  })
  afterEach(() => db.destroy())

  it('reads nothing but what has expired', async (test) => {
    const prepare = test.mock.method(DatabaseSync.prototype, 'prepare')
    for (const models of [undefined, ['Session', 'Interaction']]) await store.sweep(Date.now(), models)
    const statements = prepare.mock.calls.map(({ arguments: [text] }) => text)
    const database = prepare.mock.calls[0]?.this
    assert.ok(database instanceof DatabaseSync)
    assert.equal(statements.length, 3)
    for (const text of statements) {
      const steps = database.prepare(`explain query plan ${text}`).all()
      const plan = steps.map(({ detail }) => detail).join(', ')
      assert.match(plan, /^SEARCH artifacts USING (?:COVERING )?INDEX artifacts_expires_at \(.*\)$/, text)
    }
  })

  it('takes some artifacts at a time, so that others have their turn', async () => {
    for (let index = 0; index < 900; index++)
      await store.put({ model: 'Many', id: String(index), payload: {}, expiresAt: index })
    const statements = await countStatements(() => store.sweep(1000, ['Many']))
    assert.equal(statements, Math.floor(900 / rowsInTurn) + 1, 'removals')
  })

  it('takes some rows of every other table at a time, too', async () => {
    const expiries = Array.from({ length: 1200 }, (_, index) => (index % 3 === 0 ? 10 : 2000))
    const rows = (table: string, columns: string, values: string) =>
      sql`insert into ${sql.table(table)} (tenant, expires_at, ${sql.raw(columns)})
        select 'default', value, ${sql.raw(values)} from json_each(${JSON.stringify(expiries)})`.execute(db)
    await rows('revocations', 'kind, id, revoked_at', `'grant', key, 1`)
    await rows('clients', 'id, source, metadata, created_at', `key, 'dynamic', '', 1`)
    await rows(
      'consents',
      'account_id, client_id, redirect_host, resource, scope, client_digest',
      `key, '', '', '', '', ''`,
    )
    for (const table of ['revocations', 'clients', 'consents'] as const) {
      const sweep = (before: number) =>
        removeExpired({ db, engine: 'sqlite', tenant: 'default' }, table, before)
      assert.equal(await sweep(1000), 400, table)
      assert.equal(await countStatements(() => sweep(3000)), Math.floor(800 / rowsInTurn) + 1, table)
      assert.equal(await sweep(3000), 0, table)
    }
  })
})

it('a sweep takes what has expired of everything that is kept, and a day later what shows a theft', async () => {
  const clock = movableClock()
  const hours: [string, number][] = []
  const part = (name: string) => ({
    sweep: async (before: number) => void hours.push([name, (clock.now() - before) / 3_600_000]),
  })
  const names = ['artifacts', 'clients', 'revocations', 'consents', 'keys'] as const
  const parts = Object.fromEntries(names.map((name) => [name, part(name)]))
  await sweepStore(parts as unknown as Store, clock)
  assert.deepEqual(hours, [
    ['artifacts', 24],
    ['artifacts', 1 / 6],
    ['clients', 0],
    ['revocations', 24],
    ['consents', 0],
    ['keys', 24],
  ])
})
