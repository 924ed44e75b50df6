import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, globSync, rmSync } from 'node:fs'
import { chmod, chown, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { findOrInstall } from './debian.ts'
import { freePort } from './installation.ts'
import { type ServingProgram, startProgram } from './program.ts'

const run = promisify(execFile)

/** A separate database for one test. */
export interface TestDatabase {
  readonly url: string
  query(text: string): Promise<Record<string, unknown>[]>
  drop(): Promise<void>
}

/** A real PostgreSQL that creates databases for tests. */
export interface TestPostgres {
  /** The password, which must not be visible anywhere. */
  readonly password: string
  createDatabase(): Promise<TestDatabase>
  /** Stops the server, if the tests have started it, and removes its data. */
  stop(): Promise<void>
}

/** One that was started by the tests. */
export interface OwnPostgres extends TestPostgres {
  /**
   * Turns it, in place, into a standby that is not connected to any primary. `select pg_promote()` reverts
   * that.
   */
  demote(): Promise<void>
}

interface ServerOptions {
  /** Whether commits wait for the disk, as for an operator. Only tests of speed need that. */
  readonly durable?: boolean
}

/**
 * A PostgreSQL: that of DATABASE_URL (a user who may create databases), or else one that is started for this
 * process from the programs in POSTGRES_BIN, on the system, or from Debian, which root can install. Throws if
 * none is available: a test that needs PostgreSQL is never skipped.
 */
export async function startPostgres({ durable = false }: ServerOptions = {}): Promise<TestPostgres> {
  const given = process.env['DATABASE_URL']
  if (given !== undefined && given !== '') {
    const { password } = new URL(given)
    return { password, createDatabase: () => createDatabase(given), stop: async () => undefined }
  }
  return startOwnPostgres({ durable })
}

/** The same, only for this process, whatever DATABASE_URL says. */
export async function startOwnPostgres({ durable = false }: ServerOptions = {}): Promise<OwnPostgres> {
  const server = await startServer(await programs(), durable)
  return {
    password: server.password,
    createDatabase: () => createDatabase(server.url),
    async demote() {
      await server.stop()
      await server.markStandby()
      await server.start()
    },
    async stop() {
      await server.stop()
      server.clean()
    },
  }
}

async function createDatabase(serverUrl: string): Promise<TestDatabase> {
  const name = `portcullis_${randomBytes(6).toString('hex')}`
  await query(serverUrl, `create database ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return {
    url: url.href,
    query: (text) => query(url.href, text),
    drop: async () => void (await query(serverUrl, `drop database ${name} with (force)`)),
  }
}

/** What a statement returns, over a connection of its own. */
export async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

interface Server {
  readonly url: string
  readonly password: string
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
  /** Makes it start as a standby the next time. */
  readonly markStandby: () => Promise<void>
  readonly clean: () => void
}

async function startServer(bin: string, durable: boolean): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-postgres-'))
  const owner = await serverUser()
  const password = randomBytes(16).toString('hex')
  const passwordFile = join(folder, 'password')
  await writeFile(passwordFile, password)
  await chmod(folder, 0o700)
  if (owner !== undefined) {
    for (const path of [folder, passwordFile]) await chown(path, owner.uid, owner.gid)
  }
  const data = join(folder, 'data')
  await run(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'portcullis', `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '-E', 'UTF8', '-N'],
    { cwd: folder, env: { ...process.env, LC_ALL: 'C' }, ...owner },
  )
  const port = await freePort()
  const settings = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=100',
    `fsync=${durable ? 'on' : 'off'}`,
  ]
  const url = `postgres://portcullis:${password}@127.0.0.1:${port}/postgres`
  const args = ['-D', data, ...settings.flatMap((setting) => ['-c', setting])]
  const attempt = (): Promise<unknown> => query(url, 'select 1')
  let running: ServingProgram
  const start = async (): Promise<void> => {
    const how = { name: 'PostgreSQL', attempt, signal: 'SIGINT', cwd: folder, ...owner } as const
    running = await startProgram([join(bin, 'postgres'), ...args], how)
  }
  await start()
  return {
    url,
    password,
    start,
    stop: () => running.stop(),
    async markStandby() {
      const mark = join(data, 'standby.signal')
      await writeFile(mark, '')
      if (owner !== undefined) await chown(mark, owner.uid, owner.gid)
    },
    clean: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** PostgreSQL and its poolers refuse to run as root, so root runs them as the user of their package. */
export async function serverUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const id = async (flag: string): Promise<number> => Number((await run('id', [flag, 'postgres'])).stdout)
  try {
    return { uid: await id('-u'), gid: await id('-g') }
  } catch (error) {
    throw new Error('root needs a user "postgres" to run PostgreSQL: useradd --system postgres', {
      cause: error,
    })
  }
}

/** The folder with `postgres` and `initdb`. */
async function programs(): Promise<string> {
  const found = await findOrInstall(findPrograms, 'postgresql')
  if (found !== undefined) return found
  throw new Error(
    'these tests need PostgreSQL: install the package postgresql, name the folder of its programs in POSTGRES_BIN, or a server in DATABASE_URL',
  )
}

function findPrograms(): string | undefined {
  const given = process.env['POSTGRES_BIN']
  const folders =
    given !== undefined
      ? [given]
      : [
          ...(process.env['PATH'] ?? '').split(delimiter),
          '/usr/local/bin',
          ...globSync('/usr/lib/postgresql/*/bin').toSorted().toReversed(),
        ]
  return folders.find((folder) =>
    ['postgres', 'initdb'].every((program) => existsSync(join(folder, program))),
  )
}
