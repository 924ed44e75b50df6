import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { verifyTable } from '../../src/cli/audit/audit-verify.ts'
import { type AuditTable, openAuditTable } from '../../src/storage/tables/audit-table.ts'
import { linesOf, openCopy, rowsOf } from '../support/audit-copy.ts'
import { startPostgres, type TestDatabase, type TestPostgres } from '../support/postgres.ts'
import { makeTrailFolder, someEvent } from '../support/trail.ts'

/** Makes a user who may do nothing yet, until the test is over, and returns their URL of a database. */
async function addUser(test: TestContext, database: TestDatabase, username: string): Promise<string> {
  const password = `of-${username}`
  await database.query(`create role ${username} login password '${password}'`)
  test.after(() => database.query(`drop owned by ${username}; drop role ${username}`))
  return Object.assign(new URL(database.url), { username, password }).href
}

describe('the copy in PostgreSQL, for users with few privileges,', { timeout: 120_000 }, () => {
  let server: TestPostgres
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())

  it('is refused with the fix where its user may not make it, or there is no such database', async (test) => {
    const database = await server.createDatabase()
    for (const [url, message] of [
      [
        await addUser(test, database, 'nobody'),
        /^the table of the audit .+: permission denied for schema public; make the user of the URL of the sink the/,
      ],
      [
        Object.assign(new URL(database.url), { pathname: '/none' }).href,
        /create the database, or correct the URL of the sink$/,
      ],
    ] as const)
      await assert.rejects(
        openAuditTable(url, () => undefined),
        { name: 'StoreUnusable', message },
      )
  })

  it('needs nobody who owns it once it is there: one user appends, and another one reads, and may prune', async (test) => {
    const database = await server.createDatabase()
    const made = makeTrailFolder()
    const trail = made.open()
    for (let call = 0; call < 5; call++) trail.commit(someEvent(`call-${call}`))
    await trail.close()
    const rows = rowsOf(made)
    const owner = await openCopy(database.url)
    await owner.append(rows)
    await owner.close()
    const openAs = async (user: string): Promise<AuditTable> => {
      const table = await openCopy(await addUser(test, database, user))
      test.after(() => table.close())
      return table
    }
    const auditor = await openAs('auditor_only')
    const lacks = {
      name: 'StoreUnusable',
      message: /^permission denied for table .+: grant select on .+ sink$/,
    }
    await assert.rejects(linesOf(auditor), lacks)
    await assert.rejects(auditor.anchors(undefined), lacks)
    await assert.rejects(auditor.markBefore(undefined, 0), lacks)
    await database.query('grant select on audit_events, audit_anchors to auditor_only')
    const { findings, events } = await verifyTable(auditor, { tenant: undefined }, made.keys)
    assert.deepEqual([findings, events], [[], made.lines().length])
    await assert.rejects(auditor.append(rows), /permission denied/)
    const below = await auditor.markBefore(undefined, made.clock.now() + 1)
    const removal = { tenant: undefined, below, count: events, anchor: 'an anchor' }
    await assert.rejects(auditor.remove(removal), {
      name: 'StoreUnusable',
      message: /: grant delete on .+ sink$/,
    })
    assert.deepEqual(await linesOf(auditor), made.lines())

    const gateway = await openAs('gateway_only')
    await database.query('grant insert, select (chain, seq) on audit_events to gateway_only')
    const late = rows.map((row) => ({ ...row, chain: 'late' }))
    await gateway.append([...late, ...rows])
    assert.equal((await linesOf(auditor)).length, 2 * made.lines().length)
    await assert.rejects(linesOf(gateway), lacks)

    await database.query('grant delete on audit_events to auditor_only')
    await database.query('grant insert on audit_anchors to auditor_only')
    const all = await auditor.markBefore(undefined, made.clock.now() + 1)
    await auditor.remove({ ...removal, below: all, count: 2 * rows.length })
    assert.deepEqual([await linesOf(auditor), await auditor.anchors(undefined)], [[], ['an anchor']])
  })
})
