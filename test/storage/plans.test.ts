import assert from 'node:assert/strict'
import { after, before, describe, it, mock } from 'node:test'
import { type Kysely, sql } from 'kysely'
import pg from 'pg'
import type { Schema } from '../../src/storage/schema.ts'
import { type Engine, postgresEngine, type TestStore } from '../support/engines.ts'
import { callEverything } from './store-calls.ts'

/** What EXPLAIN says of one step of a plan, as far as it is looked at. */
interface Step {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly Filter?: string
  readonly Plans?: readonly Step[]
}

interface Index {
  /** In their order. */
  readonly columns: readonly string[]
  readonly unique: boolean
}

/** By these a row is found. Others say in what state it has to be, once it is found. */
const names =
  /\b(?:tenant|model|id|uid|user_code|grant_id|account_id|client_id|redirect_host|resource|kind|source|name_key|user_id|issuer|subject|purpose|kid)\b/

describe('plans of PostgreSQL that are made once for all values', () => {
  let engine: Engine
  let home: TestStore
  let db: Kysely<Schema>
  let statements: readonly string[]
  let indexes: ReadonlyMap<string, Index>
  before(async () => {
    engine = await postgresEngine()
    home = await engine.create()
    db = await home.openRaw()
    statements = await statementsOfRequests()
    indexes = await indexesOfTables()
    await home.query(`truncate ${tables.join(', ')}`)
  })
  after(async () => {
    await db.destroy()
    await home.destroy()
    await engine.stop()
  })

  async function statementsOfRequests(): Promise<readonly string[]> {
    const store = await home.open()
    const query = mock.method(pg.Client.prototype, 'query')
    try {
      await callEverything(store)
    } finally {
      query.mock.restore()
      await store.close()
    }
    const texts = query.mock.calls.map(({ arguments: [given] }) => (given as { text?: string }).text ?? '')
    const reads = new RegExp(`^(?:with|select|insert|update|delete) [^]*\\b(?:${tables.join('|')})\\b`)
    return [...new Set(texts.filter((text) => reads.test(text)))]
  }

  async function indexesOfTables(): Promise<ReadonlyMap<string, Index>> {
    const rows = await home.query(`
      select class.relname as name, indisunique as unique, array_agg(attname::text order by attnum) as columns
      from pg_index join pg_class class on class.oid = indexrelid join pg_attribute on attrelid = indexrelid
      where indrelid::regclass::text in (${tables.map((table) => `'${table}'`).join()}) group by 1, 2`)
    return new Map(rows.map((row) => [row['name'] as string, row as unknown as Index]))
  }

  /** What is wrong with the plans, on a connection as our statements get one. */
  async function faults(): Promise<readonly string[]> {
    return db.connection().execute(async (connection) => {
      const run = async (text: string) =>
        (await sql.raw<Record<string, unknown>>(text).execute(connection)).rows
      await run('set plan_cache_mode = force_generic_plan')
      const found: string[] = []
      for (const statement of statements) {
        const count = Math.max(0, ...[...statement.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)))
        const values = count === 0 ? '' : `(${Array.from({ length: count }, () => 'null').join()})`
        await run(`prepare planned as ${statement}`)
        const [row] = await run(`explain (format json) execute planned${values}`)
        assert.ok(row)
        await run('deallocate planned')
        const [{ Plan }] = row['QUERY PLAN'] as [{ Plan: Step }]
        found.push(
          ...steps(Plan)
            .flatMap(faultOf)
            .map((fault) => `${fault}: ${statement}`),
        )
      }
      await run('reset plan_cache_mode')
      return found
    })
  }

  function faultOf(step: Step): readonly string[] {
    const { Filter: filter = '', 'Index Cond': condition = '', 'Index Name': name = '' } = step
    if (step['Node Type'] === 'Seq Scan') return [`reads all of ${step['Relation Name']}`]
    const { columns, unique } = indexes.get(name) ?? { columns: [], unique: false }
    const bound = columns.map((column) => new RegExp(`\\b${column}\\b`).test(condition))
    const isOneRow = unique && bound.every(Boolean)
    if (names.test(filter) && !isOneRow) return [`looks with ${name} for rows among others, by ${filter}`]
    const isPrefix = bound[0] !== false && !bound.some((is, at) => is && bound[at - 1] === false)
    return isPrefix ? [] : [`reads all of ${name} for ${condition}`]
  }

  it('are for the statements that requests wait for', () => {
    assert.ok(statements.length > 50, `${statements.length} statements`)
  })

  it('find rows by an index on an empty table', async () => {
    assert.deepEqual(await faults(), [])
  })

  it('find rows by an index in a few rows with statistics, which then become many', async () => {
    await fill(0, 20)
    await home.query(`analyze ${tables.join(', ')}`)
    assert.deepEqual(await faults(), [])
  })

  it('find rows by an index among many without statistics, and with them', async () => {
    await home.query(`truncate ${tables.join(', ')}`)
    await fill(0, 3000)
    assert.deepEqual(await faults(), [])
    await home.query(`analyze ${tables.join(', ')}`)
    assert.deepEqual(await faults(), [])
  })

  const tables = [
    'artifacts',
    'clients',
    'revocations',
    'consents',
    'users',
    'passkeys',
    'identities',
    'keys',
  ] as const

  /** Rows as there would be many, which nobody analyses meanwhile. */
  async function fill(from: number, to: number): Promise<void> {
    for (const table of tables) await home.query(`alter table ${table} set (autovacuum_enabled = false)`)
    const series = `from generate_series(${from}, ${to - 1}) i`
    const artifact = 'tenant, model, id, payload, grant_id, uid, account_id, client_id, expires_at'
    for (const text of [
      `artifacts (${artifact}) select 'default', 'RefreshToken', 'r' || i, repeat('p', 600), 'g' || i % 100, null, 'ada' || i % 50, 'c' || i % 10, i ${series}`,
      `artifacts (${artifact}) select 'default', 'Grant', 'g' || i, repeat('p', 600), 'g' || i, 'u' || i, 'ada' || i % 50, 'c' || i % 10, i ${series}`,
      `artifacts (${artifact}) select 'default', 'Session', 's' || i, repeat('p', 600), null, 'v' || i, 'ada' || i % 50, null, i ${series}`,
      `clients select 'default', 'c' || i, 'dynamic', 'm', null, i, i, i ${series}`,
      `revocations select 'default', 'grant', 'g' || i, i, i ${series}`,
      `consents select 'default', 'ada' || i % 50, 'c' || i, 'h', 'r', 's', 'd', i ${series}`,
      `users select 'default', 'u' || i, 'n', 'n' || i, 'n', 'h', i, null, 0, 0, 0, 0, null ${series}`,
      `passkeys select 'default', 'p' || i, 'u' || i, 'n', 'k', 0, i, null ${series}`,
      `identities select 'default', 'issuer', 's' || i, 'u' || i, '{}', null, i, i, i ${series}`,
      `keys select 'default', 'p' || i, 'k', 'a', 's', i, i, i, null ${series}`,
    ])
      await home.query(`insert into ${text}`)
  }
})

function steps(step: Step): readonly Step[] {
  return [step, ...(step.Plans ?? []).flatMap(steps)]
}
