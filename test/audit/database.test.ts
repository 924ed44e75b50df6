import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import pg from 'pg'
import { anchorsOf } from '../../src/audit/anchors.ts'
import { readEvent } from '../../src/audit/read-event.ts'
import { verifyTable } from '../../src/cli/audit/audit-verify.ts'
import { buildSinks, rowOf } from '../../src/compose/audit-sinks.ts'
import { loadConfig } from '../../src/config/load.ts'
import { type AuditTable, openAuditTable } from '../../src/storage/tables/audit-table.ts'
import { linesOf, openCopy, rowsOf } from '../support/audit-copy.ts'
import { portcullis } from '../support/command.ts'
import { sharedSecret as secret, startInstallation } from '../support/installation.ts'
import { startPostgres, type TestDatabase, type TestPostgres } from '../support/postgres.ts'
import { makeTrailFolder, someEvent, type TrailFolder } from '../support/trail.ts'

describe('the copy in PostgreSQL', { timeout: 120_000 }, () => {
  let server: TestPostgres
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())

  /** A table with fifty calls an hour apart, each by one of two people. */
  async function filled(
    test: TestContext,
  ): Promise<{ database: TestDatabase; table: AuditTable; made: TrailFolder }> {
    const database = await server.createDatabase()
    const made = makeTrailFolder()
    const trail = made.open()
    for (let call = 0; call < 50; call++) {
      trail.commit({ ...someEvent(`call-${call}`), subject: call % 2 === 0 ? 'ada' : 'grace' })
      made.clock.advance(3_600_000)
    }
    await trail.close()
    const table = await openCopy(database.url)
    test.after(() => table.close())
    await table.append(rowsOf(made))
    return { database, table, made }
  }

  it('holds each event once, however often it comes, and verifies', async (test) => {
    const { database, table, made } = await filled(test)
    const other = await openCopy(database.url)
    test.after(() => other.close())
    await other.append(rowsOf(made))
    assert.deepEqual(await linesOf(table), made.lines())
    const { findings, events } = await verifyTable(table, { tenant: undefined }, made.keys)
    assert.deepEqual([findings, events], [[], made.lines().length])
  })

  it('takes few statements, however many events come at a time, since the server keeps each of them', async (test) => {
    const { table, made } = await filled(test)
    const [row] = rowsOf(made)
    assert.ok(row)
    const query = test.mock.method(pg.Client.prototype, 'query')
    let seq = 1000
    for (let count = 1; count <= 40; count++)
      await table.append(Array.from({ length: count }, () => ({ ...row, seq: seq++ })))
    const texts = query.mock.calls.map(
      ({ arguments: given }) => (given[0] as unknown as { text: string }).text,
    )
    assert.equal(new Set(texts).size, 6, 'of 1, 2, 4, 8, 16 and 32')
    assert.equal((await linesOf(table)).length, made.lines().length + seq - 1000)
  })

  it('is not held up by a line that somebody made up or a disk has changed', async (test) => {
    const { table, made } = await filled(test)
    const [line = ''] = made.lines().slice(5)
    const wrong = [
      line.replace(/"time":"[^"]*"/, '"time":"noon"'),
      line.replace(/"time":"[^"]*"/, '"time":"2026-13-45T12:00:00.000Z"'),
      line.replace(/"time":"[^"]*"/, '"time":"2026-02-31T12:00:00.000Z"'),
      line.replace(/"time":"[^"]*"/, '"time":"0000-01-01T12:00:00.000Z"'),
      line.replace('"ada"', '"a\\u0000da"').replace('"grace"', '"gr\\u0000ace"'),
      line.replace(/"chain":"[^"]*"/, `"chain":"${randomBytes(2500).toString('base64url')}"`),
      line.replace(/"(?:ada|grace)"/, `"${randomBytes(2500).toString('base64url')}"`),
    ]
    assert.ok(!wrong.includes(line))
    const last = line.replace(/"chain":"[^"]*"/, '"chain":"another"')
    await table.append([...wrong, last].flatMap(rowOf))
    assert.deepEqual(await linesOf(table), [...made.lines(), last])
  })

  it('is not taken for the store where it has no room', async (test) => {
    const { database, made } = await filled(test)
    await database.query(
      `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no room' using errcode = 'disk_full'; end $$`,
    )
    await database.query(
      'create trigger refuse before insert on audit_events for each statement execute function refuse()',
    )
    const copy = { kind: 'postgres', name: 'copy', url: database.url } as const
    const [sink] = buildSinks(loadConfig({ base: { audit: { sinks: [copy] } } }))
    test.after(() => sink?.close())
    await assert.rejects(async () => sink?.deliver(made.lines()), { message: 'no room' })
  })

  it('is read to the end by whoever takes their time', async (test) => {
    const { database, made } = await filled(test)
    const table = await openAuditTable(database.url, (error) => assert.fail(String(error)), 600)
    test.after(() => table.close())
    const lines: string[] = []
    for await (const rows of table.read({ tenant: undefined })) {
      lines.push(...rows.map(({ line }) => line))
      await new Promise((resolve) => setTimeout(resolve, 1000))
    }
    assert.deepEqual(lines, made.lines())
  })

  it('is only added to, and so are its anchors', async (test) => {
    const { database } = await filled(test)
    const client = new pg.Client(database.url)
    await client.connect()
    test.after(() => client.end())
    for (const statement of [
      'delete from audit_events',
      `update audit_events set line = ''`,
      `set portcullis.prune = 'on'; update audit_events set line = ''`,
      `set portcullis.prune = 'on'; truncate audit_events`,
      `set portcullis.prune = 'on'; delete from audit_anchors`,
      `update audit_anchors set line = ''`,
      `set portcullis.prune = 'on'; truncate audit_anchors`,
    ])
      await assert.rejects(client.query(statement), /append only/, statement)
  })

  it('is only added to in each schema of a database that has several', async (test) => {
    const database = await server.createDatabase()
    const made = makeTrailFolder()
    const trail = made.open()
    trail.commit(someEvent('call'))
    await trail.close()
    for (const schema of ['first', 'second']) {
      await database.query(`create schema ${schema}`)
      const url = new URL(database.url)
      url.searchParams.set('options', `-c search_path=${schema}`)
      const table = await openAuditTable(url.href, (error) => assert.fail(String(error)))
      test.after(() => table.close())
      await table.append(rowsOf(made))
      for (const name of ['audit_events', 'audit_anchors'])
        await assert.rejects(database.query(`delete from ${schema}.${name}`), /append only/, schema)
    }
  })

  it('is asked for no more than is meant: by tenant, time and subject', async (test) => {
    const { table, made } = await filled(test)
    await table.append(
      rowsOf(made).map((row) => ({ ...row, chain: 'of-acme', tenant: 'acme', line: `{"acme":${row.seq}}` })),
    )
    const all = made.lines()
    const calls = all.map(readEvent).filter((event) => event?.event === 'mcp.call')
    const [since, until] = [calls[10], calls[20]].map((event) => Date.parse(event?.time ?? ''))
    const found = (await linesOf(table, { tenant: undefined, since, until, subject: 'ada' })).map(
      (line) => readEvent(line)?.object,
    )
    assert.deepEqual(found, ['call-10', 'call-12', 'call-14', 'call-16', 'call-18'])
    assert.deepEqual(await linesOf(table), all)
    assert.equal((await linesOf(table, { tenant: 'acme' }))[0], '{"acme":0}')
  })

  it('is read as it is at one moment, whatever is committed meanwhile', async (test) => {
    const { database, table, made } = await filled(test)
    const late = rowsOf(made).map((row) => ({ ...row, chain: 'late' }))
    // More than a page, whose first row another machine has not committed yet.
    const client = new pg.Client(database.url)
    await client.connect()
    test.after(() => client.end())
    const add = (chain: string, from: number, to: number): Promise<unknown> =>
      client.query(
        `insert into audit_events (chain, seq, time, event, line) select '${chain}', n, now(), 'e', '${chain}' from generate_series(${from}, ${to}) n`,
      )
    await add('page', 1, 6000)
    const reading = table.read({ tenant: undefined })
    const first = await reading.next()
    await table.append(late)
    let more = 0
    for await (const rows of reading) more += rows.length
    assert.equal((first.value?.length ?? 0) + more, 6000 + made.lines().length)
  })

  it('says where a row is looked for by something else than its line says', async (test) => {
    const { database, table, made } = await filled(test)
    await database.query('alter table audit_events disable trigger all')
    const found = async (tenant?: string): Promise<unknown[]> => {
      const { findings } = await verifyTable(table, { tenant }, made.keys)
      return findings
        .filter(({ message }) => message.includes('columns'))
        .map(({ kind, line }) => [kind, line])
    }
    await database.query(`update audit_events set subject = 'eve' where seq = 7`)
    assert.deepEqual(await found(), [['changed', 8]])
    await database.query(`update audit_events set time = time + interval '1 hour' where seq = 9`)
    assert.deepEqual(await found(), [
      ['changed', 8],
      ['changed', 10],
    ])
    await database.query(`update audit_events set tenant = 'acme' where seq = 11`)
    assert.deepEqual(await found('acme'), [['changed', 1]])
  })

  it('takes in what an older version made, with the tenant of each row', async (test) => {
    const database = await server.createDatabase()
    await database.query(`
      create table audit_events (
        id bigint generated always as identity primary key, chain text not null, seq bigint not null,
        time timestamptz not null, event text not null, outcome text, subject text, client_id text, upstream text,
        line text not null, unique (chain, seq));
      create function audit_events_append_only() returns trigger language plpgsql as
        'begin raise exception ''audit_events is append only''; end';
      create trigger audit_events_append_only before update or delete or truncate on audit_events
        for each statement execute function audit_events_append_only()`)
    const line = (tenant: string, seq: number): string =>
      `{"v":1,"chain":"c","seq":${seq},"prev":"p","time":"2026-11-27T12:00:00.000Z",${tenant}"event":"mcp.call","arguments":{"redacted":{"tenant":"evil"}}}`
    const lines = [line('', 0), line('"tenant":"acme",', 1)]
    for (const [seq, text] of lines.entries())
      await database.query(
        `insert into audit_events (chain, seq, time, event, line) values ('c', ${seq}, '2026-11-27T12:00:00Z', 'mcp.call', '${text}')`,
      )
    const table = await openCopy(database.url)
    test.after(() => table.close())
    assert.deepEqual(await linesOf(table), [lines[0]])
    assert.deepEqual(await linesOf(table, { tenant: 'acme' }), [lines[1]])
    await assert.rejects(database.query('delete from audit_events'), /append only/)
  })

  it('loses old events to a command, and what is left verifies from signed anchors', async (test) => {
    const store = await server.createDatabase()
    const sinks = [{ kind: 'postgres' as const, name: 'copy' }]
    const machine = await startInstallation({ store, config: { audit: { sinks } } })
    test.after(() => machine.close())
    const file = join(mkdtempSync(join(tmpdir(), 'portcullis-prune-')), 'portcullis.yaml')
    const written = { data: machine.data, publicUrl: machine.url, store: { url: store.url }, secret }
    writeFileSync(file, JSON.stringify({ ...written, audit: { sinks } }))
    const audit = (command: string, ...flags: string[]) =>
      portcullis(['audit', command, '--database', '-c', file, ...flags])
    const count = async (): Promise<number> =>
      Number((await store.query('select count(*)::int as n from audit_events'))[0]?.['n'])
    await fetch(machine.mcpUrl, { method: 'POST' })
    await machine.restart() // carries what there is
    const all = await count()
    assert.ok(all >= 3, `${all} events`)
    assert.match((await audit('prune')).stderr, /--before: is required where audit\.keepDays is not set/)
    assert.equal((await audit('prune', '--before', '7d')).stdout, 'nothing is old enough to remove\n')
    assert.deepEqual(await store.query('select line from audit_anchors'), [], 'nor is it recorded')
    const { code, stdout, stderr } = await audit(
      'prune',
      '--before',
      new Date(Date.now() + 60_000).toISOString(),
    )
    assert.deepEqual([code, /^removed \d+ events/.test(stdout)], [0, true], stderr)
    await machine.restart() // brings the event of the removal
    const verified = await audit('verify')
    assert.equal(verified.code, 0, verified.stdout)
    const left = (await audit('query', '--event', 'admin.audit')).stdout
    assert.match(left, /prune audit_events before 20/)
    // Without the anchor the same rows are a record whose beginning is gone.
    await store.query('alter table audit_anchors disable trigger all; delete from audit_anchors')
    const broken = await audit('verify')
    assert.deepEqual([broken.code, /removed/.test(broken.stdout)], [1, true])
    // Nor does one count that nobody has signed.
    await store.query(`insert into audit_anchors (line) values ('{"kid":"made-up","sig":"AAAA"}')`)
    assert.match((await audit('verify')).stdout, /^unsigned +audit_anchors:1 /m)
    // And what does not verify stays.
    const rest = await count()
    const refused = await audit('prune', '--before', new Date(Date.now() + 60_000).toISOString())
    assert.match(refused.stderr, /nothing is removed/)
    assert.ok((await count()) >= rest)
  })

  it('is removed for one tenant, and what is as old as the mark is young enough', async (test) => {
    const { table, made } = await filled(test)
    const rows = rowsOf(made)
    await table.append(rows.map((row) => ({ ...row, chain: `${row.chain} of acme`, tenant: 'acme' })))
    const tenant = undefined
    const below = await table.markBefore(tenant, Date.parse(rows[10]?.time ?? ''))
    await table.remove({ tenant, below, count: 10, anchor: 'an anchor' })
    assert.deepEqual(await linesOf(table), made.lines().slice(10))
    assert.equal((await linesOf(table, { tenant: 'acme' })).length, rows.length)
    assert.deepEqual(await table.anchors('acme'), [])
    const all = await table.markBefore('acme', Date.now() + 1e12)
    await table.remove({ tenant: 'acme', below: all, count: rows.length, anchor: 'theirs' })
    assert.deepEqual(await linesOf(table), made.lines().slice(10))
  })

  it('is removed all or nothing: not where events have come meanwhile', async (test) => {
    const { table, made } = await filled(test)
    const below = await table.markBefore(undefined, made.clock.now() + 1)
    const removal = { tenant: undefined, below, anchor: 'an anchor' }
    await assert.rejects(table.remove({ ...removal, count: 3 }), {
      name: 'StoreUnusable',
      message: /nothing was removed: repeat the command$/,
    })
    assert.deepEqual(
      [(await linesOf(table)).length, await table.anchors(undefined)],
      [made.lines().length, []],
    )
    await table.remove({ ...removal, count: made.lines().length })
    assert.deepEqual([await linesOf(table), await table.anchors(undefined)], [[], ['an anchor']])
    assert.deepEqual(anchorsOf(await table.anchors(undefined), made.keys).wrong, [1])
  })
})
