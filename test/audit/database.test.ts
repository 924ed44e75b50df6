import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import pg from 'pg'
import { readEvent } from '../../src/audit/read-event.ts'
import { verifyTrail } from '../../src/audit/verify.ts'
import { type AuditRow, openAuditTable } from '../../src/storage/audit-table.ts'
import { startPostgres, type TestDatabase, type TestPostgres } from '../support/postgres.ts'
import { makeTrailFolder, someEvent, type TrailFolder } from '../support/trail.ts'

describe('the copy in PostgreSQL', () => {
  let server: TestPostgres
  let database: TestDatabase
  let made: TrailFolder
  before(async () => {
    server = await startPostgres()
    database = await server.createDatabase()
    made = makeTrailFolder()
    const trail = made.open()
    for (let call = 0; call < 50; call++) trail.record(someEvent(`call-${call}`))
    await trail.close()
  })
  after(() => server.stop())

  const rows = (): AuditRow[] =>
    made.lines().flatMap((line) => {
      const event = readEvent(line)
      if (event === undefined) return []
      const { chain, seq, time, event: name, outcome, subject, clientId, upstream } = event
      return [{ chain, seq, time, event: name, outcome, subject, clientId, upstream, line }]
    })
  const table = () => openAuditTable(database.url, (error) => assert.fail(String(error)))

  it('holds each event once, however often it comes, and verifies', async () => {
    const [one, other] = await Promise.all([table(), table()])
    await one.append(rows().slice(0, 30))
    await other.append(rows())
    const lines: string[] = []
    for await (const some of one.read()) lines.push(...some)
    assert.deepEqual(lines, made.lines())
    const batches = async function* () {
      yield { source: 'audit_events', first: 1, lines, bytes: 0 }
    }
    const verified = await verifyTrail(batches(), { keys: made.keys, anchors: new Map() })
    assert.deepEqual([verified.findings, verified.events], [[], 52])
    await one.close()
    await other.close()
  })

  it('is only added to', async () => {
    const client = new pg.Client(database.url)
    await client.connect()
    for (const statement of [
      'delete from audit_events',
      `update audit_events set line = ''`,
      'truncate audit_events',
    ])
      await assert.rejects(client.query(statement), /append only/, statement)
    await client.end()
  })
})
