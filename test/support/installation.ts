import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { type Running, start } from '../../src/app.ts'
import type { RecordedEvent } from '../../src/audit/event.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import type { Clock } from '../../src/core/clock.ts'
import { recordedEvents } from './recorded-events.ts'

/** A complete Portcullis on separate ports, with a separate data folder. */
export interface Installation {
  readonly url: string
  /** The URL of the first MCP server behind the gateway. */
  readonly mcpUrl: string
  readonly adminUrl: string
  readonly authorizationServerUrl: string
  /** Where the gateway listens, which differs from `url` if that is a public name. */
  readonly gatewayUrl: string
  readonly data: string
  /** Where the first user is created. */
  readonly setUpLink: string | undefined
  /** Creates a link that opens the dashboard once. */
  dashboardLink(): Promise<string>
  /** Everything that has been logged so far. */
  readonly log: () => string
  /** The audit so far, after everything that was recorded has been written. */
  readonly audit: () => Promise<RecordedEvent[]>
  /** Switches to a configuration that differs in this. */
  replace(changes: ConfigInput): Promise<void>
  /** Stops and starts again on the same data and the same port, with a configuration that differs in this. */
  restart(changes?: ConfigInput): Promise<void>
  close(): Promise<void>
}

interface InstallationOptions {
  readonly config?: ConfigInput
  readonly clock?: Clock
  /** A PostgreSQL database; the embedded store by default. Several installations can share one. */
  readonly store?: { readonly url: string } | undefined
  /** The host of the public URL; an IP address by default. */
  readonly host?: '127.0.0.1' | 'localhost'
  /** The path of the public URL; none by default. */
  readonly basePath?: `/${string}`
}

/** The secret of installations that share a database. */
export const sharedSecret = Buffer.alloc(32, 7).toString('base64url')

/** Clients that most tests use: one for users with a fixed redirect URI, one for machines. */
export const testClients = [
  { id: 'user-client', name: 'Test client', redirectUris: ['http://127.0.0.1:1/callback'] },
  {
    id: 'machine',
    secret: 'machine-secret-of-the-tests',
    grantTypes: ['client_credentials'],
    scopes: ['mcp:tools:read'],
  },
] satisfies ConfigInput['clients']

/** Starts an installation. `upstreams` and everything else in the configuration can be given. */
export async function startInstallation({
  config = {},
  clock,
  store,
  host = '127.0.0.1',
  basePath,
}: InstallationOptions = {}): Promise<Installation> {
  const data = await mkdtemp(join(tmpdir(), 'portcullis-test-'))
  const port = await freePort()
  const written: string[] = []
  const logTo = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.toString())
      done()
    },
  })
  const base: ConfigInput = {
    data,
    clients: testClients,
    // Nothing is listening there: a test knows from a 502 that a request was admitted.
    upstreams: [{ name: 'test', path: '/mcp', url: 'http://127.0.0.1:9/mcp', breaker: { failures: 0 } }],
    ...(store === undefined ? {} : { store: { url: store.url }, secret: sharedSecret }),
    publicUrl: `http://${host}:${config.listen?.gateway ?? port}${basePath ?? ''}`,
    ...config,
    listen: { gateway: port, authorizationServer: 0, admin: 0, ...config.listen },
  }
  const begin = (changes: ConfigInput = {}): Promise<Running> =>
    start(loadConfig({ base: { ...base, ...changes } }), { logTo, ...(clock === undefined ? {} : { clock }) })
  let running = await begin()
  return {
    url: running.publicUrl,
    mcpUrl: running.resources[0]?.resource ?? `${running.publicUrl}/mcp`,
    get adminUrl() {
      return running.urls.admin as string
    },
    get gatewayUrl() {
      return running.urls.gateway as string
    },
    get authorizationServerUrl() {
      return running.urls['authorization-server'] as string
    },
    data,
    get setUpLink() {
      return running.setUpLink
    },
    async dashboardLink() {
      return (await running.createDashboardLink?.()) as string
    },
    log: () => written.join(''),
    async audit() {
      // What was answered has been written; what went to a server will be by the end of this turn.
      await new Promise((resolve) => setImmediate(resolve))
      return recordedEvents(join(data, 'audit')).filter(({ event }) => !event.startsWith('audit.'))
    },
    replace: (changes) => running.replace(loadConfig({ base: { ...base, ...changes } })),
    async restart(changes) {
      await running.close()
      running = await begin(changes)
    },
    async close() {
      await running.close()
      await rm(data, { recursive: true, force: true })
    },
  }
}

/**
 * A port that was free a moment ago, and that no other test file gets. It is below those that the system
 * assigns to requests for any port, so that nobody who makes one takes it before it is used.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_240, 32_768)
    if ((await claim(port)) && (await isFree(port))) return port
  }
}

/** Keeps a port for this process until it ends, by a UDP socket: nothing else is bound to one there. */
function claim(port: number): Promise<boolean> {
  const socket = createSocket('udp4').unref()
  return new Promise((resolve) => {
    socket.once('error', () => socket.close(() => resolve(false)))
    socket.bind(port, '127.0.0.1', () => resolve(true))
  })
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
