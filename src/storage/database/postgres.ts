import {
  type CompiledQuery,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
  type QueryResult,
} from 'kysely'
import pg from 'pg'
import { StoreAway } from '../../core/store-away.ts'
import { StoreUnusable } from '../store-unusable.ts'
import { Database } from './database.ts'
import { EndingClient } from './ending-client.ts'

interface PostgresOptions {
  /** Contains a password and is never shown. */
  readonly url: string
  /** Called with connections that were lost. The next query opens a new one. */
  readonly onFault: (error: unknown) => void
  /** How long a statement may wait, in milliseconds; undefined for a migration, which may take its time. */
  readonly patience: number | undefined
  /** What an operator corrects if the URL is wrong; `store.url` by default. */
  readonly setting?: string
}

/** How long a request waits for a connection before it fails, and each step of setting one up for its answer. */
const connectMilliseconds = 5000
const mostConnections = 10

/**
 * How long one of our statements, which are all small, waits for a lock, and a transaction for its next
 * statement.
 */
export const statementMilliseconds = 15_000
/** How much longer to wait for an answer before its connection is considered dead. */
const answerMilliseconds = 1000

/** Opens a PostgreSQL database. Throws StoreUnusable when it cannot be used. */
export async function openPostgres({
  url,
  onFault,
  patience,
  setting = 'store.url',
}: PostgresOptions): Promise<Database> {
  const pool = new pg.Pool({
    Client: EndingClient,
    connectionString: url,
    application_name: 'portcullis',
    max: mostConnections,
    connectionTimeoutMillis: connectMilliseconds,
    query_timeout: patience && patience + answerMilliseconds,
    keepAlive: true,
    types: numericTimes(),
    onConnect: (client): unknown => prepareConnection(client, patience),
  })
  // A lost connection is an event of its client; without a listener it would end the process.
  pool.on('connect', (client) => void client.on('error', (error) => tellLost(pool, error, onFault)))
  pool.on('error', () => undefined) // the listener above has already reported it
  try {
    await checkConnections(pool)
  } catch (error) {
    await pool.end()
    throw unusable({ url, setting }, error as NodeJS.ErrnoException)
  }
  const connections = discardBroken(pool)
  return new Database(new PostgresDialect({ pool: connections }), runOn(connections))
}

/** A connection that is being closed is not lost: the server may simply close it first. */
function tellLost(pool: pg.Pool, error: unknown, onFault: (error: unknown) => void): void {
  if (!pool.ending) onFault(new StoreAway(error))
}

/**
 * Prepared statements and locks belong to a connection. A pooler that lends out the database's connections
 * per transaction gives the same one to two idle clients. Throws if there is no connection, or if they are
 * shared.
 */
async function checkConnections(pool: pg.Pool): Promise<void> {
  const clients: pg.PoolClient[] = []
  const processes = new Set<number>()
  try {
    while (clients.length < 2) {
      const client = await pool.connect()
      clients.push(client)
      const { rows } = await client.query<{ process: number }>(soon('select pg_backend_pid() as process'))
      for (const { process } of rows) processes.add(process)
    }
  } finally {
    // The second one was only needed for this check.
    for (const [index, client] of clients.entries()) client.release(index > 0)
  }
  if (processes.size === clients.length) return
  throw Object.assign(new Error('a pooler gives one connection to several clients'), { code: lentConnection })
}

/**
 * Sets up a connection. The pool waits for the returned promise, and gives up the connection if it rejects.
 *
 * A plan is kept while its table grows. A plan for a table of one page would read all of it, and so would
 * every request until the table is analysed again. A table without a suitable index is still read completely,
 * and is not worth compiling.
 *
 * The server itself ends what waits too long: it does not notice that we are gone before it has an answer, so
 * it would later do what was refused, and use up a code or a refresh token. It also ends the unfinished work
 * of a process that stands still or whose machine is gone, since everybody else waits for that.
 *
 * Statements rely on seeing what others have just changed, and are not repeated where they could not.
 *
 * A standby does not know what was revoked after it was cut off, and answers anyway.
 */
async function prepareConnection(client: pg.ClientBase, patience: number | undefined): Promise<void> {
  const settings = [
    'set enable_seqscan = off',
    'set jit = off',
    `set default_transaction_isolation = 'read committed'`,
    `set lock_timeout = ${patience ?? 0}`,
    `set idle_in_transaction_session_timeout = ${patience ?? statementMilliseconds}`,
    ...(patience === undefined ? ['set statement_timeout = 0'] : []),
  ]
  await client.query(soon(settings.join('; ')))
  const { rows } = await client.query<{ standby: boolean }>(soon('select pg_is_in_recovery() as standby'))
  if (rows[0]?.standby === true)
    throw Object.assign(new Error('it is a standby, which others may have left behind'), { code: standby })
}

/**
 * A query that fails if its answer does not come soon, on any connection. A pooler accepts connections while
 * its database is away.
 */
function soon(text: string): pg.QueryConfig {
  const query: pg.QueryConfig & Pick<pg.ClientConfig, 'query_timeout'> = { text }
  query.query_timeout = connectMilliseconds
  return query
}

/** Times are bigint, which the driver would return as text; all of them are below 2^53. */
function numericTimes(): pg.TypeOverrides {
  const types = new pg.TypeOverrides()
  types.setTypeParser(pg.types.builtins.INT8, Number)
  return types
}

/**
 * Errors that another connection may not have: a prepared statement whose table another version has changed,
 * and a server that was not writable when this connection began.
 */
const ofConnection: ReadonlySet<string | undefined> = new Set(['0A000', '25006'])

/**
 * Each statement text is prepared once per connection. The texts come from the code and never from a request,
 * so there are few of them.
 */
function statementNames(): (text: string) => string {
  const names = new Map<string, string>()
  return (text) => {
    const known = names.get(text)
    if (known !== undefined) return known
    const name = `statement_${names.size}`
    names.set(text, name)
    return name
  }
}

/**
 * Connections that fail (SQLSTATE class 08), servers that lack room, memory or connections (53), are stopping
 * or starting or give up a statement (57), cannot read or write their files (58) or are not writable (25006), and
 * locks that are held too long (55P03) or by both sides (40P01), or an error from the driver itself.
 */
function isAway(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return !(error instanceof TypeError)
  return /^(?:08|53|57|58|25006$|55P03$|40P01$)/.test(error.code ?? '')
}

/** A connection is not used again after anything but a statement failed on it. */
function discardBroken(pool: pg.Pool): PostgresPool {
  const nameOf = statementNames()
  return {
    options: pool.options,
    end: () => pool.end(),
    async connect() {
      const client = await pool.connect().catch((error: unknown) => {
        throw new StoreAway(error)
      })
      let broken = false
      const guarded = {
        async query(text: string, values: unknown[]) {
          try {
            return await client.query({ name: nameOf(text), text, values })
          } catch (error) {
            broken ||= !(error instanceof pg.DatabaseError) || ofConnection.has(error.code)
            throw isAway(error) ? new StoreAway(error) : error
          }
        },
        release: () => client.release(broken),
      }
      return guarded as unknown as PostgresPoolClient
    },
  }
}

/** Runs each statement on a free connection, without the builder. */
function runOn(pool: PostgresPool): (query: CompiledQuery) => Promise<QueryResult<never>> {
  return async ({ sql, parameters }) => {
    const client = await pool.connect()
    try {
      return await client.query<never>(sql, parameters)
    } finally {
      client.release()
    }
  }
}

const lentConnection = 'LENT_CONNECTION'
const standby = 'STANDBY'

/** What to do about the most common errors of Node and PostgreSQL, and about our own. */
const fixes: Readonly<Record<string, (setting: string) => string>> = {
  ECONNREFUSED: (setting) => `start it, or correct ${setting}`,
  ENOTFOUND: (setting) => `there is no such host: correct ${setting}`,
  '28P01': (setting) => `correct the user and the password in ${setting}`,
  '28000': (setting) => `let this user in from here (pg_hba.conf), or correct ${setting}`,
  '3D000': (setting) => `create the database, or correct ${setting}`,
  [lentConnection]: (setting) => `set pool_mode = session there, or let ${setting} name the database itself`,
  [standby]: (setting) => `let ${setting} lead to the primary`,
  '42501': (setting) => `let this user connect to it, or correct ${setting}`,
}

function unusable(
  { url, setting }: Required<Pick<PostgresOptions, 'url' | 'setting'>>,
  error: NodeJS.ErrnoException,
): StoreUnusable {
  const fix = fixes[error.code ?? '']?.(setting) ?? `see that it runs, and that ${setting} is right`
  return new StoreUnusable(
    `the PostgreSQL database ${describeDatabase(url)} cannot be used (${error.message || error.code}): ${fix}`,
    { cause: error },
  )
}

/** Where a database is, as its URL spells it: without user, password and options. */
function describeDatabase(url: string): string {
  const { hostname, port, pathname, searchParams } = new URL(url)
  const host = searchParams.get('host') ?? hostname
  return `${pathname.slice(1)} at ${host}${port === '' ? '' : `:${port}`}`
}
