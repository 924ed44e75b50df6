import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, globSync, rmSync } from 'node:fs'
import { chmod, chown, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { findOrInstall } from './debian.ts'
import { freePort } from './installation.ts'

const run = promisify(execFile)

/** A database of its own for one test. */
export interface TestDatabase {
  readonly url: string
  query(text: string): Promise<Record<string, unknown>[]>
  drop(): Promise<void>
}

/** A real PostgreSQL that makes databases for tests. */
export interface TestPostgres {
  /** The password that must be seen nowhere. */
  readonly password: string
  createDatabase(): Promise<TestDatabase>
  /** Stops the server, if the tests have started it, and removes what it kept. */
  stop(): Promise<void>
}

interface ServerOptions {
  /** Whether commits wait for the disk, as an operator's do. Tests of anything but speed need not. */
  readonly durable?: boolean
}

/**
 * A PostgreSQL: that of DATABASE_URL (a user who may create databases), else one that is started for this process from
 * the programs in POSTGRES_BIN, of the system, or of Debian, which root can install. Throws where none is had: a test
 * that needs PostgreSQL is never skipped.
 */
export async function startPostgres({ durable = false }: ServerOptions = {}): Promise<TestPostgres> {
  const given = process.env['DATABASE_URL']
  if (given !== undefined && given !== '') {
    const { password } = new URL(given)
    return { password, createDatabase: () => createDatabase(given), stop: async () => undefined }
  }
  const server = await startServer(await programs(), durable)
  return {
    password: server.password,
    createDatabase: () => createDatabase(server.url),
    async stop() {
      server.process.kill('SIGINT')
      await server.exit
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

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
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
  readonly process: ChildProcess
  readonly exit: Promise<void>
  readonly clean: () => void
}

const startMilliseconds = 30_000

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
  const child = spawn(
    join(bin, 'postgres'),
    ['-D', data, ...settings.flatMap((setting) => ['-c', setting])],
    {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
      ...owner,
    },
  )
  const endWithTests = (): void => void child.kill('SIGINT')
  process.once('exit', endWithTests)
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const url = `postgres://portcullis:${password}@127.0.0.1:${port}/postgres`
  await untilUp('PostgreSQL', url, child, () => said)
  const clean = (): void => {
    process.removeListener('exit', endWithTests)
    rmSync(folder, { recursive: true, force: true })
  }
  return { url, password, process: child, exit, clean }
}

/** Waits until a server that was just started answers. Throws with what it `said` where it does not. */
export async function untilUp(
  name: string,
  url: string,
  child: ChildProcess,
  said: () => string,
): Promise<void> {
  const end = Date.now() + startMilliseconds
  for (;;) {
    try {
      await query(url, 'select 1')
      return
    } catch (error) {
      if (child.exitCode !== null || Date.now() > end) {
        child.kill('SIGKILL')
        throw new Error(`${name} did not start: ${said()}`, { cause: error })
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** PostgreSQL and its poolers refuse to run as root, so root lets their package's user run them. */
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

/** The folder of `postgres` and `initdb`. */
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
