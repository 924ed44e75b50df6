import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Command } from 'commander'
import { auditPruneCommand } from '../../src/cli/audit/audit-prune.ts'
import { auditQueryCommand } from '../../src/cli/audit/audit-query.ts'
import { withStore } from '../../src/cli/with-store.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { openCopy, rowsOf } from '../support/audit-copy.ts'
import { startPostgres, type TestDatabase, type TestPostgres } from '../support/postgres.ts'
import { runHere } from '../support/run-here.ts'
import { makeTrailFolder, someEvent } from '../support/trail.ts'

describe('a command with --database', { timeout: 120_000 }, () => {
  let server: TestPostgres
  let database: TestDatabase
  before(async () => {
    server = await startPostgres()
    database = await server.createDatabase()
    const made = makeTrailFolder()
    made.clock.advance(Date.now() - made.clock.now() - 3 * 24 * 3_600_000)
    const trail = made.open()
    trail.commit(someEvent('of-another-trail'))
    await trail.close()
    const table = await openCopy(database.url)
    await table.append(rowsOf(made))
    await table.close()
  })
  after(() => server.stop())

  /** Runs a command of an installation whose sink has a URL of its own: the store is in a folder. */
  async function run(test: TestContext, command: Command, audit: ConfigInput['audit'] = {}) {
    const data = mkdtempSync(join(tmpdir(), 'database-commands-'))
    await withStore({ data }, async () => undefined, { beforeMaking: async () => undefined })
    const file = join(data, 'portcullis.yaml')
    const sinks = [{ kind: 'postgres', name: 'copy', url: database.url }]
    writeFileSync(file, JSON.stringify({ data, audit: { sinks, ...audit } }))
    return runHere(test, command, ['--database', '-c', file])
  }

  it('reads the table at the URL of the sink', async (test) => {
    assert.match((await run(test, auditQueryCommand())).out, /^\S+ mcp\.call allowed .* of-another-trail$/)
    assert.match(
      (await run(test, auditQueryCommand(), { sinks: [] })).failure ?? '',
      /^--database: the configuration has no audit sink of kind postgres/,
    )
  })

  it('removes what is older than audit.keepDays, if it verifies', async (test) => {
    assert.equal(
      (await run(test, auditPruneCommand(), { keepDays: 30 })).out,
      'nothing is old enough to remove',
    )
    assert.match(
      (await run(test, auditPruneCommand(), { keepDays: 1 })).failure ?? '',
      /^audit_events: nothing is removed: /,
    )
  })
})
