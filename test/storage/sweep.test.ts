import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { it } from 'node:test'
import { masterSecret } from '../../src/core/secret.ts'
import { artifactStore } from '../../src/storage/artifacts.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { openSqlite } from '../../src/storage/sqlite.ts'
import { movableClock } from '../support/movable-clock.ts'

it('a sweep of the embedded store reads nothing but what has expired', async (test) => {
  const db = openSqlite(':memory:')
  test.after(() => db.destroy())
  await migrate(db)
  const ports = { db, tenant: 'default', secret: masterSecret(Buffer.alloc(32)), clock: movableClock() }
  const store = artifactStore({ ...ports, engine: 'sqlite' })
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
