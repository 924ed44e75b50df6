import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startDemoServer } from '../../demo/server.ts'
import type { RecordedEvent } from '../../src/audit/event.ts'
import { demoSettings } from '../../src/cli/demo.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import type { Closing } from './close-after-tests.ts'
import { type Finished, portcullis, type Started, startPortcullis } from './command.ts'
import { freePort, sharedSecret, testClients } from './installation.ts'
import { lastAnswering, startNginx } from './nginx.ts'
import { startPostgres } from './postgres.ts'
import { recordedEvents } from './recorded-events.ts'
import { startRedis, type TestRedis } from './redis.ts'
import { type SessionServer, startSessionServer } from './session-server.ts'

/** Replicas as if on separate machines, behind nginx, with PostgreSQL, Redis and two MCP servers. */
export interface Cluster {
  readonly publicUrl: string
  /** The demo MCP server behind the gateway, and the one that keeps sessions. */
  readonly demoUrl: string
  readonly sessionsUrl: string
  readonly sessions: SessionServer
  readonly redis: TestRedis
  /** Where nginx reaches each replica. */
  readonly addresses: readonly string[]
  /** Ends a replica with `kill -9`, whatever it is doing. */
  kill(index: number): Promise<void>
  /** Begins to restart a killed one, in the background. */
  revive(index: number): void
  /** Resolves when the admin port of everything that was restarted says that it is ready. */
  revived(): Promise<void>
  /** Resolves when nginx uses each replica again: it avoids one that did not answer for some seconds. */
  untilServing(): Promise<void>
  /** `portcullis audit verify` over the events of a replica. */
  verify(index: number): Promise<Finished>
  /** The events of all replicas. */
  audit(): RecordedEvent[]
}

interface ClusterOptions {
  readonly replicas: number
  /** Called with the public URL before any replica starts. */
  readonly config?: (publicUrl: string) => Promise<ConfigInput>
}

interface Place {
  readonly port: number
  readonly admin: number
  readonly data: string
  readonly file: string
  started?: Started
}

/** Starts all of it; it ends with the test at the latest. */
export async function startCluster(
  test: Closing,
  { replicas, config = async () => ({}) }: ClusterOptions,
): Promise<Cluster> {
  const closing: (() => Promise<unknown>)[] = []
  test.after(async () => {
    for (const close of closing.toReversed()) await close()
  })
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-cluster-'))
  closing.push(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  const postgres = await startPostgres()
  closing.push(() => postgres.stop())
  const database = await postgres.createDatabase()
  closing.push(() => database.drop())
  const redis = await startRedis()
  closing.push(() => redis.stop())
  const publicPort = await freePort()
  const publicUrl = `http://127.0.0.1:${publicPort}`
  const gateway = { issuer: `${publicUrl}/gateway`, jwksUrl: `${publicUrl}/gateway/jwks` }
  const demo = await startDemoServer({ host: '127.0.0.1', port: 0, gateway })
  closing.push(() => demo.close())
  const sessions = await startSessionServer()
  closing.push(() => sessions.close())

  const shared: ConfigInput = {
    publicUrl,
    trustedProxies: ['127.0.0.1'],
    secret: sharedSecret,
    store: { url: database.url },
    limits: { redis: redis.url },
    clients: [...testClients, ...(demoSettings.clients ?? [])],
    upstreams: [
      { name: 'demo', path: '/mcp', url: demo.url },
      {
        name: 'sessions',
        path: '/sessions/mcp',
        url: sessions.url,
        transport: 'streamable-http',
        era: 'legacy',
      },
    ],
    log: { format: 'text' },
    ...(await config(publicUrl)),
  }
  const places: Place[] = []
  for (let index = 0; index < replicas; index++) {
    const data = join(folder, `replica-${index}`)
    const place = { port: await freePort(), admin: await freePort(), data, file: `${data}.yaml` }
    const listen = { gateway: place.port, admin: place.admin, authorizationServer: 0 }
    await writeFile(place.file, JSON.stringify({ ...shared, data, listen }))
    places.push(place)
  }
  const at = (index: number): Place => {
    const place = places[index]
    if (place === undefined) throw new Error(`there is no replica ${index}`)
    return place
  }
  const begin = async (index: number): Promise<void> => {
    const place = at(index)
    place.started = await startPortcullis(test, ['serve', '-c', place.file])
    const { ok } = await fetch(`http://127.0.0.1:${place.admin}/readyz`)
    if (!ok) throw new Error(`replica ${index} is not ready: ${place.started.output()}`)
  }
  const kill = async (index: number): Promise<void> => {
    const { started } = at(index)
    started?.process.kill('SIGKILL')
    await started?.exit
  }
  closing.push(() => Promise.all(places.map((_, index) => kill(index))))
  await Promise.all(places.map((_, index) => begin(index)))
  const nginx = await startNginx(
    publicPort,
    places.map(({ port }) => port),
  )
  closing.push(() => nginx.stop())
  const addresses = places.map(({ port }) => `127.0.0.1:${port}`)
  const reviving: Promise<void>[] = []
  return {
    publicUrl,
    demoUrl: `${publicUrl}/mcp`,
    sessionsUrl: `${publicUrl}/sessions/mcp`,
    sessions,
    redis,
    addresses,
    kill,
    revive(index) {
      reviving.push(begin(index))
      reviving.at(-1)?.catch(() => undefined) // `revived` throws it
    },
    revived: async () => void (await Promise.all(reviving.splice(0))),
    async untilServing() {
      const awaited = new Set(addresses)
      while (awaited.size > 0) {
        const { headers } = await fetch(`${publicUrl}/jwks`)
        awaited.delete(lastAnswering(headers))
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
    verify: (index) => portcullis(['audit', 'verify', '-c', at(index).file]),
    audit: () => places.flatMap(({ data }) => recordedEvents(join(data, 'audit'))),
  }
}
