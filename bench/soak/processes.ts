import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConfigInput } from '../../src/config/schema.ts'
import { freePort } from '../../test/support/installation.ts'
import { startPostgres } from '../../test/support/postgres.ts'
import { type Lane, lanes, pathOf, processesOf, streamsOf, usersOf } from './lanes.ts'
import type { Options } from './options.ts'

/** The gateway and the servers behind it. */
export interface Processes {
  readonly gate: ChildProcess
  readonly url: string
  readonly adminUrl: string
  /** Where the gateway writes its log and its audit. */
  readonly log: string
  readonly audit: string
  /** Ends all of them, by their ids. `keep` leaves the files. */
  stop(keep: boolean): Promise<void>
}

type UpstreamInput = NonNullable<ConfigInput['upstreams']>[number]

const root = join(import.meta.dirname, '../..')
/** The id of the client that all users use. */
export const clientId = 'soak'

const probeSeconds = 20

interface Ports {
  readonly streamable: number
  readonly sse: number
}

/** The gateway's configuration of a server. */
function upstreamOf(lane: Lane, ports: Ports, options: Options): UpstreamInput {
  const { name, family, era, shared, asked, bound } = lane
  const limits = { streams: Math.max(10_000, options.streams * 2) }
  const common = {
    name,
    path: pathOf(lane),
    responseSeconds: options.responseSeconds,
    limits,
    ...(asked ? { probeSeconds } : { era }),
  }
  if (family === 'stdio' || family === 'crash') {
    const principals = shared ? 'shared' : 'isolated'
    const program = join(import.meta.dirname, 'servers/stdio.ts')
    const command = [process.execPath, program, era, String(options.notifySeconds), principals]
    return { ...common, command, principals, processesPerCaller: processesOf(lane, options) }
  }
  const url =
    family === 'sse' ? `http://127.0.0.1:${ports.sse}/sse` : `http://127.0.0.1:${ports.streamable}/${era}`
  // Faults here are deliberate, and say nothing about the next request.
  return { ...common, url, dpop: bound ? 'required' : 'optional', breaker: { failures: 0 } }
}

/** The maximum that one user has of what is distributed among the users of each server. */
function mostOfUser(options: Options, of: (lane: Lane) => number): number {
  return Math.max(64, ...lanes.map((lane) => Math.ceil(of(lane) / usersOf(lane, options))))
}

/**
 * Starts the servers and, in front of them, the gateway. Throws what the gateway logged if it does not start.
 */
export async function startProcesses(options: Options): Promise<Processes> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-soak-'))
  const [port, admin] = [await freePort(), await freePort()]
  const ports = { streamable: await freePort(), sse: await freePort() }
  const log = join(folder, 'gate.log')
  const audit = join(folder, 'audit')
  const postgres = options.store === 'postgres' ? await startPostgres({ durable: true }) : undefined
  const database = await postgres?.createDatabase()
  const config: ConfigInput = {
    mode: 'development',
    data: join(folder, 'data'),
    ...(database === undefined
      ? {}
      : { store: { url: database.url }, secret: randomBytes(32).toString('base64url') }),
    listen: { gateway: port, authorizationServer: 0, admin },
    log: { level: 'warn' },
    audit: { folder: audit, fileMegabytes: 64 },
    tokens: { accessTokenSeconds: options.tokenSeconds },
    limits: {
      // All requests here come from one address.
      authorizations: 1_000_000,
      authorizationsPerNetwork: 1_000_000,
      // The streams of a user, with room for those that return while the old ones are still ending.
      streams: mostOfUser(options, (lane) => streamsOf(lane, options) * 1.5),
      // With few users there are many requests by each.
      running: mostOfUser(options, (lane) => options.rate * lane.requests),
    },
    clients: [{ id: clientId, redirectUris: ['http://127.0.0.1:1/callback'] }],
    upstreams: lanes.map((lane) => upstreamOf(lane, ports, options)),
  }
  const file = join(folder, 'portcullis.json')
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 })

  const started: ChildProcess[] = []
  const killAll = (): void => started.forEach((child) => child.exitCode === null && child.kill('SIGKILL'))
  process.once('exit', killAll)
  const run = (args: readonly string[]): ChildProcess => {
    const output = openSync(log, 'a')
    const child = spawn(process.execPath, args, {
      env: { ...process.env, NODE_NO_WARNINGS: '1', NODE_ENV: 'production' },
      stdio: ['pipe', output, output],
      // Ctrl-C is for this process: the others are ended after it has finished counting.
      detached: true,
    })
    started.push(child)
    return child
  }
  const server = (name: string, ...args: readonly unknown[]): ChildProcess =>
    run([join(import.meta.dirname, 'servers', name), ...args.map(String)])
  server('streamable.ts', ports.streamable, options.notifySeconds, options.sabotage)
  server('sse.ts', ports.sse, options.notifySeconds)
  const gate = run([join(root, 'bin/portcullis.js'), 'serve', '-c', file])
  const adminUrl = `http://127.0.0.1:${admin}`
  await untilReady(adminUrl, gate, log)

  return {
    gate,
    url: `http://127.0.0.1:${port}`,
    adminUrl,
    log,
    audit,
    async stop(keep) {
      for (const child of started.toReversed()) await end(child)
      process.off('exit', killAll)
      await database?.drop()
      await postgres?.stop()
      if (!keep) rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function untilReady(adminUrl: string, gate: ChildProcess, log: string): Promise<void> {
  for (let attempt = 0; attempt < 300 && gate.exitCode === null; attempt++) {
    const response = await fetch(`${adminUrl}/readyz`).catch(() => undefined)
    if (response?.status === 200) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`the gate did not start: see ${log}`)
}

const patienceMilliseconds = 15_000

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMilliseconds)
  await gone
  clearTimeout(timer)
}
