/**
 * `npm run bench:as`: how much the authorization server does per second, on SQLite, on PostgreSQL and, for
 * comparison, plain oidc-provider with its in-memory store: same machine, same keys, same flows, interleaved.
 * Plain oidc-provider on both stores shows how much of the difference is due to the store and the disk. Each
 * server is a process on one CPU, the load comes from another. Ratios within one run are comparable; absolute
 * figures are not, least of all those of `elsewhere`.
 * Options: --seconds N (3), --rounds N (3), --warm-up N (20), --connections N (16), --logins N (60), --only
 * name,name, --profile FOLDER
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, generateKeyPair } from 'jose'
import { Pool } from 'undici'
import { OptionsWrong, orExplain, readFlags, readNumber, readWhole } from '../test/support/command-line.ts'
import { FormBrowser } from '../test/support/form-browser.ts'
import { freePort } from '../test/support/installation.ts'
import { OAuthClient } from '../test/support/oauth.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { type Figures, printReport, type Rate, yardstick } from './authorization-server/report.ts'
import { cpuMicroseconds } from './process-usage.ts'

const names = [
  yardstick,
  'oidc-provider, SQLite',
  'oidc-provider, PostgreSQL',
  'portcullis, SQLite',
  'portcullis, PostgreSQL',
] as const
type Name = (typeof names)[number]

const asked = orExplain(() => {
  const flags = readFlags({
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    'warm-up': { type: 'string', default: '20' },
    connections: { type: 'string', default: '16' },
    logins: { type: 'string', default: '60' },
    only: { type: 'string', default: '' },
    profile: { type: 'string' },
  })
  return {
    seconds: readNumber('seconds', flags.seconds, 0.1, 3600),
    rounds: readWhole('rounds', flags.rounds),
    warmUp: readNumber('warm-up', flags['warm-up'], 0.1, 3600),
    connections: readWhole('connections', flags.connections),
    logins: readWhole('logins', flags.logins),
    only: readNames(flags.only),
    profile: flags.profile,
  }
})

interface Candidate {
  readonly name: string
  readonly url: string
  readonly child: ChildProcess
}

const root = join(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-as-'))
const serverCpu = '0'
const machineSecret = 'machine-secret-of-the-bench'

const postgres = await startPostgres({ durable: true })
const started: ChildProcess[] = []
try {
  await main()
} finally {
  for (const child of started) {
    child.kill('SIGTERM')
    await new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve(0)))
  }
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
}

/** The names that contain one of the comma-separated words. Throws OptionsWrong. */
function readNames(words: string): readonly Name[] {
  const wanted = words.split(',').map((word) => word.trim())
  const stranger = wanted.find((word) => !names.some((name) => name.includes(word)))
  if (stranger !== undefined)
    throw new OptionsWrong(
      `--only: ${stranger} is in none of the names ${names.map((name) => `"${name}"`).join(', ')}`,
    )
  return names.filter((name) => wanted.some((word) => name.includes(word)))
}

async function main(): Promise<void> {
  const newDatabase = async (): Promise<string> => (await postgres.createDatabase()).url
  const starts: Readonly<Record<Name, () => Promise<Candidate>>> = {
    'oidc-provider, in memory': () => startPlain(yardstick),
    'oidc-provider, SQLite': () => startPlain('oidc-provider, SQLite', join(folder, 'plain.sqlite')),
    'oidc-provider, PostgreSQL': async () => startPlain('oidc-provider, PostgreSQL', await newDatabase()),
    'portcullis, SQLite': () => startOurs('portcullis, SQLite', {}),
    'portcullis, PostgreSQL': async () =>
      startOurs('portcullis, PostgreSQL', { store: { url: await newDatabase() }, secret: 'x'.repeat(43) }),
  }
  const candidates: Candidate[] = []
  for (const name of asked.only) candidates.push(await starts[name]())
  const figures = new Map<string, Figures>(
    candidates.map(({ name }) => [name, { machine: [], refresh: [], logins: [] }]),
  )
  for (const candidate of candidates)
    await measure(candidate, { machine: [], refresh: [], logins: [] }, asked.warmUp)
  for (let round = 1; round <= asked.rounds; round++) {
    for (const candidate of candidates) {
      process.stderr.write(`\rround ${round} of ${asked.rounds}: ${candidate.name.padEnd(28)}`)
      await measure(candidate, figures.get(candidate.name) as Figures, asked.seconds)
    }
  }
  process.stderr.write(`\r${' '.repeat(60)}\r`)
  printReport(figures, asked)
}

async function measure(candidate: Candidate, into: Figures, seconds: number): Promise<void> {
  const { url } = candidate
  const client = new OAuthClient(url)
  const signIn = () =>
    client.signIn(
      { scope: 'mcp:tools:read', resource: `${url}/mcp` },
      new FormBrowser({ fill: { name: 'ada', login: 'ada', password: 'any' } }),
    )
  const pool = new Pool(url, { connections: asked.connections })
  const post = async (parameters: Record<string, string>): Promise<Record<string, string>> => {
    const { statusCode, body } = await pool.request({
      path: '/token',
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(parameters).toString(),
    })
    const answer = (await body.json()) as Record<string, string>
    if (statusCode !== 200)
      throw new Error(`${candidate.name} answered ${statusCode} ${JSON.stringify(answer)}`)
    return answer
  }
  const machine = { grant_type: 'client_credentials', client_id: 'machine', client_secret: machineSecret }
  const request = { ...machine, scope: 'mcp:tools:read', resource: `${url}/mcp` }
  into.machine.push(await hammer(candidate, seconds, async () => void (await post(request))))

  const tokens: string[] = []
  for (let index = 0; index < asked.connections; index++) {
    tokens.push((await signIn()).refresh_token)
  }
  const refresh = async (index: number): Promise<void> => {
    const answer = await post({
      grant_type: 'refresh_token',
      client_id: client.clientId,
      refresh_token: tokens[index] as string,
    })
    tokens[index] = answer['refresh_token'] as string
  }
  into.refresh.push(await hammer(candidate, seconds, refresh))
  if (new Set(tokens).size !== asked.connections) throw new Error(`${candidate.name} does not rotate`)

  for (let login = 0; login < asked.logins; login++) {
    const began = performance.now()
    await signIn()
    into.logins.push(performance.now() - began)
  }
  await pool.close()
}

/** Sends requests on all connections for a number of seconds. */
async function hammer(
  { child }: Candidate,
  seconds: number,
  call: (connection: number) => Promise<void>,
): Promise<Rate> {
  const [began, cpuBefore] = [performance.now(), cpuMicroseconds(child.pid as number)]
  const end = began + seconds * 1000
  let calls = 0
  const connection = async (index: number): Promise<void> => {
    while (performance.now() < end) {
      await call(index)
      calls++
    }
  }
  await Promise.all(Array.from({ length: asked.connections }, (_, index) => connection(index)))
  const cpu = (cpuMicroseconds(child.pid as number) - cpuBefore) / calls
  return { perSecond: calls / ((performance.now() - began) / 1000), cpu }
}

/** Only the library, which keeps what it issues in memory or in its own database. */
async function startPlain(name: string, store?: string): Promise<Candidate> {
  const port = await freePort()
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const keyFile = join(folder, `key-${port}.json`)
  const key = { ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'bench' }
  writeFileSync(keyFile, JSON.stringify(key), { mode: 0o600 })
  const program = join(import.meta.dirname, 'authorization-server/plain-provider.ts')
  return startServer(name, port, [program, String(port), keyFile, ...(store === undefined ? [] : [store])])
}

async function startOurs(name: string, settings: object): Promise<Candidate> {
  const port = await freePort()
  const data = join(folder, name.replaceAll(/\W+/g, '-'))
  const config = {
    data,
    publicUrl: `http://127.0.0.1:${port}`,
    listen: { authorizationServer: port, admin: await freePort() },
    log: { level: 'warn' },
    // All requests here come from one address.
    limits: { authorizations: 1_000_000, authorizationsPerNetwork: 1_000_000 },
    upstreams: [{ name: 'bench', url: 'http://127.0.0.1:9/mcp' }],
    clients: [
      { id: 'user-client', redirectUris: ['http://127.0.0.1:1/callback'] },
      {
        id: 'machine',
        secret: machineSecret,
        grantTypes: ['client_credentials'],
        scopes: ['mcp:tools:read'],
      },
    ],
    ...settings,
  }
  const file = `${data}.json`
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
  const program = join(root, 'bin/portcullis.js')
  return startServer(name, port, [program, 'serve', '-c', file, '--only', 'authorization-server'])
}

async function startServer(name: string, port: number, args: readonly string[]): Promise<Candidate> {
  const profiled = asked.profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', asked.profile]
  const child = spawn('taskset', ['-c', serverCpu, process.execPath, ...profiled, ...args], {
    env: { ...process.env, NODE_NO_WARNINGS: '1', NODE_ENV: 'production' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  started.push(child)
  const url = `http://127.0.0.1:${port}`
  for (let attempt = 0; attempt < 200; attempt++) {
    const response = await fetch(`${url}/.well-known/openid-configuration`).catch(() => undefined)
    if (response?.status === 200) return { name, url, child }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${name} did not start`)
}
