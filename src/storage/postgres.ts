import {
  type CompiledQuery,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
  type QueryResult,
} from 'kysely'
import pg from 'pg'
import { StoreAway } from '../core/store-away.ts'
import { Database } from './database.ts'
import { StoreUnusable } from './store-unusable.ts'

interface PostgresOptions {
  /** Holds a password and is never told. */
  readonly url: string
  /** Told of connections that were lost. The next query opens a new one. */
  readonly onFault: (error: unknown) => void
  /** How long a statement may wait, in milliseconds; undefined for a migration, which may take its time. */
  readonly patience: number | undefined
}

/** How long a request waits for a connection before it fails. */
const connectMilliseconds = 5000
const mostConnections = 10

/** How long one of our statements, all of them small, waits for another's lock, and a transaction for its next one. */
export const statementMilliseconds = 15_000
/** How much longer an answer is waited for before its connection is taken for dead. */
const answerMilliseconds = 1000

/** Opens a PostgreSQL database. Throws StoreUnusable when it cannot be used. */
export async function openPostgres({ url, onFault, patience }: PostgresOptions): Promise<Database> {
  const pool = new pg.Pool({
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
  pool.on('error', () => undefined) // what the listener above has told already
  try {
    await checkConnections(pool)
  } catch (error) {
    await pool.end()
    throw unusable(url, error as NodeJS.ErrnoException)
  }
  const connections = discardBroken(pool)
  return new Database(new PostgresDialect({ pool: connections }), runOn(connections))
}

/** A connection that is on its way to its end is not lost: the server may be quicker. */
function tellLost(pool: pg.Pool, error: unknown, onFault: (error: unknown) => void): void {
  if (!pool.ending) onFault(new StoreAway(error))
}

/**
 * What is prepared and what is locked belongs to a connection. A pooler that lends the database's own ones by the transaction
 * gives the same one to two clients that are idle. Throws where there is none, or where they are shared.
 */
async function checkConnections(pool: pg.Pool): Promise<void> {
  const clients: pg.PoolClient[] = []
  const processes = new Set<number>()
  try {
    while (clients.length < 2) {
      const client = await pool.connect()
      clients.push(client)
      const { rows } = await client.query<{ process: number }>('select pg_backend_pid() as process')
      for (const { process } of rows) processes.add(process)
    }
  } finally {
    // The second one was for that alone.
    for (const [index, client] of clients.entries()) client.release(index > 0)
  }
  if (processes.size === clients.length) return
  throw Object.assign(new Error('a pooler gives one connection to several clients'), { code: lentConnection })
}

/**
 * Begins a connection. The pool waits for what is returned, and gives up a connection where it rejects.
 *
 * A plan is kept while its table grows. One for a table of a page would read all of it, and so would every request until
 * the table is analysed again. What has no index to go by is still read whole, and is not worth compiling.
 *
 * The server ends what waits too long itself: it does not see that we are gone before it has an answer, and so would later do
 * what was refused, and use up a code or a refresh token. It ends what a process has left in the middle that stands still
 * or whose machine is gone, since everybody else waits for that.
 *
 * A standby knows nothing of what is revoked after it was cut off, and answers all the same.
 */
async function prepareConnection(client: pg.ClientBase, patience: number | undefined): Promise<void> {
  const settings = [
    'set enable_seqscan = off',
    'set jit = off',
    `set lock_timeout = ${patience ?? 0}`,
    `set idle_in_transaction_session_timeout = ${patience ?? statementMilliseconds}`,
  ]
  await client.query(settings.join('; '))
  const { rows } = await client.query<{ standby: boolean }>('select pg_is_in_recovery() as standby')
  if (rows[0]?.standby === true)
    throw Object.assign(new Error('it is a standby, which others may have left behind'), { code: standby })
}

/** Times are bigint, which the driver would give back as text; all of them are below 2^53. */
function numericTimes(): pg.TypeOverrides {
  const types = new pg.TypeOverrides()
  types.setTypeParser(pg.types.builtins.INT8, Number)
  return types
}

/**
 * What another connection may not have: a prepared statement whose table another version has changed, and a server that
 * could not be written to when this one began.
 */
const ofConnection: ReadonlySet<string | undefined> = new Set(['0A000', '25006'])

/**
 * Each text of a statement is prepared once for each connection. Texts come from the code and never from a request, so
 * there are few of them.
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
 * Connections that fail (SQLSTATE class 08), servers that stop or start (57P) or cannot be written to (25006), and locks that
 * are held too long (55P03), or the driver's word on its own.
 */
function isAway(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return !(error instanceof TypeError)
  return /^(?:08|57P|25006$|55P03$)/.test(error.code ?? '')
}

/** A connection on which anything but a statement failed is not used again. */
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

/** Runs statements each on the connection that is free, without the builder. */
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

/** What to do about the commonest errors of Node and of PostgreSQL, and about our own. */
const fixes: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'start it, or correct store.url',
  ENOTFOUND: 'there is no such host: correct store.url',
  '28P01': 'correct the user and the password in store.url',
  '28000': 'let this user in from here (pg_hba.conf), or correct store.url',
  '3D000': 'create the database, or correct store.url',
  [lentConnection]: 'set pool_mode = session there, or let store.url name the database itself',
  [standby]: 'let store.url lead to the primary',
  '42501': 'let this user connect to it, or correct store.url',
}

function unusable(url: string, error: NodeJS.ErrnoException): StoreUnusable {
  const fix = fixes[error.code ?? ''] ?? 'see that it runs, and that store.url is right'
  return new StoreUnusable(
    `the PostgreSQL database ${describeDatabase(url)} cannot be used (${error.message || error.code}): ${fix}`,
    { cause: error },
  )
}

/** Where a database is: no user, no password, no options. */
function describeDatabase(url: string): string {
  const { hostname, port, pathname, searchParams } = new URL(url)
  const host = searchParams.get('host') ?? hostname
  return `${decodeURIComponent(pathname.slice(1))} at ${host}${port === '' ? '' : `:${port}`}`
}
