import { DatabaseSync } from 'node:sqlite'
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'
import pg from 'pg'

/** Runs one statement, with `?` for its values, and returns its rows. */
type Run = (sql: string, values: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>

const table = `create table artifacts (model text, id text, payload text, grant_id text, uid text, user_code text,
  consumed bigint, primary key (model, id))`

/** A database file, with each commit waiting for the disk. */
export function plainSqlite(path: string): Promise<AdapterFactory> {
  const database = new DatabaseSync(path)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  const statements = new Map<string, ReturnType<DatabaseSync['prepare']>>()
  return withTable(async (sql, values) => {
    const statement = statements.get(sql) ?? database.prepare(sql)
    statements.set(sql, statement)
    return statement.all(...(values as string[]))
  })
}

/** A database whose commits all wait for its disk. */
export function plainPostgres(url: string): Promise<AdapterFactory> {
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  const named = new Map<string, { name: string; text: string }>()
  return withTable(async (sql, values) => {
    let query = named.get(sql)
    if (query === undefined) {
      let index = 0
      query = { name: `s${named.size}`, text: sql.replaceAll('?', () => `$${++index}`) }
      named.set(sql, query)
    }
    return (await pool.query({ ...query, values: [...values] })).rows
  })
}

async function withTable(run: Run): Promise<AdapterFactory> {
  await run(table, [])
  for (const column of ['grant_id', 'uid', 'user_code'])
    await run(`create index artifacts_${column} on artifacts (${column})`, [])
  return (model) => plainAdapter(model, run)
}

/** What somebody would write from the library's description of a store: each of its calls is a statement. */
function plainAdapter(model: string, run: Run): Adapter {
  const find = async (column: string, value: string): Promise<AdapterPayload | undefined> => {
    const [row] = await run(`select payload, consumed from artifacts where model = ? and ${column} = ?`, [
      model,
      value,
    ])
    if (row === undefined) return undefined
    const payload = JSON.parse(String(row['payload'])) as AdapterPayload
    return row['consumed'] === null ? payload : { ...payload, consumed: Number(row['consumed']) }
  }
  return {
    async upsert(id, payload) {
      const { grantId = null, uid = null, userCode = null } = payload
      await run(
        `insert into artifacts (model, id, payload, grant_id, uid, user_code) values (?, ?, ?, ?, ?, ?)
          on conflict (model, id) do update set payload = excluded.payload, grant_id = excluded.grant_id,
          uid = excluded.uid, user_code = excluded.user_code`,
        [model, id, JSON.stringify(payload), grantId, uid, userCode],
      )
    },
    find: (id) => find('id', id),
    findByUid: (uid) => find('uid', uid),
    findByUserCode: (userCode) => find('user_code', userCode),
    async consume(id) {
      await run('update artifacts set consumed = ? where model = ? and id = ?', [
        Math.floor(Date.now() / 1000),
        model,
        id,
      ])
    },
    async destroy(id) {
      await run('delete from artifacts where model = ? and id = ?', [model, id])
    },
    async revokeByGrantId(grantId) {
      await run('delete from artifacts where grant_id = ?', [grantId])
    },
  }
}
