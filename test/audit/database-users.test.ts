import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { verifyTable } from '../../src/cli/audit-verify.ts'
import { rowOf } from '../../src/compose/audit-sinks.ts'
import { type AuditTable, openAuditTable } from '../../src/storage/audit-table.ts'
import { startPostgres, type TestPostgres } from '../support/postgres.ts'
import { makeTrailFolder, someEvent } from '../support/trail.ts'

async function readAll(table: AuditTable): Promise<string[]> {
  const lines: string[] = []
  for await (const rows of table.read({ tenant: undefined })) lines.push(...rows.map(({ line }) => line))
  return lines
}

describe('the copy in PostgreSQL, by who uses it,', { timeout: 120_000 }, () => {
  let server: TestPostgres
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())

  it('is refused with the fix where its user may not make it, or there is no such database', async () => {
    const database = await server.createDatabase()
    await database.query(`create role auditor login password 'of-the-auditor'`)
    const change = { username: 'auditor', password: 'of-the-auditor' }
    for (const [url, message] of [
      [
        Object.assign(new URL(database.url), change),
        /^the table of the audit .+: permission denied for schema public; make the user of the URL of the sink the/,
      ],
      [
        Object.assign(new URL(database.url), { pathname: '/none' }),
        /create the database, or correct the URL of the sink$/,
      ],
    ] as const)
      await assert.rejects(
        openAuditTable(url.href, () => undefined),
        { name: 'StoreUnusable', message },
      )
    await database.query('drop role auditor')
  })

  it('needs nobody who owns it once it is there: one user appends, and another one reads', async (test) => {
    const database = await server.createDatabase()
    const made = makeTrailFolder()
    const trail = made.open()
    for (let call = 0; call < 5; call++) trail.commit(someEvent(`call-${call}`))
    await trail.close()
    const rows = made.lines().flatMap(rowOf)
    const owner = await openAuditTable(database.url, (error) => assert.fail(String(error)))
    await owner.append(rows)
    await owner.close()
    const open = async (user: string): Promise<AuditTable> => {
      await database.query(`create role ${user} login password 'of-${user}'`)
      const url = Object.assign(new URL(database.url), { username: user, password: `of-${user}` })
      const table = await openAuditTable(url.href, (error) => assert.fail(String(error)))
      test.after(async () => {
        await table.close()
        await database.query(`drop owned by ${user}; drop role ${user}`)
      })
      return table
    }
    const auditor = await open('auditor_only')
    const lacks = {
      name: 'StoreUnusable',
      message: /^permission denied for table .+: grant select on .+ sink$/,
    }
    await assert.rejects(readAll(auditor), lacks)
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
    assert.deepEqual(await readAll(auditor), made.lines())

    const gateway = await open('gateway_only')
    await database.query('grant insert, select (chain, seq) on audit_events to gateway_only')
    const late = rows.map((row) => ({ ...row, chain: 'late' }))
    await gateway.append([...late, ...rows])
    assert.equal((await readAll(auditor)).length, 2 * made.lines().length)
    await assert.rejects(readAll(gateway), lacks)
  })
})
