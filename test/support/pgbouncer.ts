import { chmodSync, chownSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram } from './find-program.ts'
import { freePort } from './installation.ts'
import { query, serverUser } from './postgres.ts'
import { startProgram } from './program.ts'

/** A real PgBouncer in front of a database. */
export interface TestPooler {
  /** The URL of the database through it. */
  readonly url: string
  stop(): Promise<void>
}

/**
 * Starts a PgBouncer for a database, from PGBOUNCER_BIN (a folder), the system, or Debian, which root can
 * install. Throws if none is available.
 */
export async function startPooler(databaseUrl: string, mode: 'session' | 'transaction'): Promise<TestPooler> {
  const program = await findProgram('pgbouncer')
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-pooler-'))
  const { hostname, port: databasePort, username, password } = new URL(databaseUrl)
  const port = await freePort()
  const users = join(folder, 'users.txt')
  writeFileSync(users, `"${username}" "${password}"\n`)
  const settings = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    auth_type: 'scram-sha-256',
    auth_file: users,
    pool_mode: mode,
    default_pool_size: 40,
    unix_socket_dir: '',
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`)
  const file = join(folder, 'pgbouncer.ini')
  writeFileSync(
    file,
    [`[databases]`, `* = host=${hostname} port=${databasePort}`, '[pgbouncer]', ...lines, ''].join('\n'),
  )
  const owner = await serverUser()
  if (owner !== undefined) for (const path of [folder, users, file]) chownSync(path, owner.uid, owner.gid)
  chmodSync(folder, 0o700)
  const url = new URL(databaseUrl)
  Object.assign(url, { hostname: '127.0.0.1', port: String(port) })
  const attempt = (): Promise<unknown> => query(url.href, 'select 1')
  const running = await startProgram([program, '-q', file], {
    name: 'PgBouncer',
    attempt,
    cwd: folder,
    ...owner,
  })
  return { url: url.href, stop: () => running.stop() }
}
