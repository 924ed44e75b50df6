import { createServer, type Server, type ServerOptions } from 'node:http'
import { createServer as createTlsServer, Server as TlsServer } from 'node:https'
import { isIP } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { dashboardApp } from './admin/dashboard.ts'
import { adminApp } from './admin/server.ts'
import { buildAuthorizationServer } from './compose/authorization-server.ts'
import { type Base, openBase } from './compose/base.ts'
import { buildDashboard, dashboardLink } from './compose/dashboard/build.ts'
import { buildGateway } from './compose/gateway.ts'
import { keepHouse } from './compose/house.ts'
import { renewCertificate, tlsOptions } from './compose/tls.ts'
import { openPair } from './config/read-pair.ts'
import type { Config } from './config/schema.ts'
import { type Clock, systemClock } from './core/clock.ts'
import type { ProtectedResource } from './core/protected-resource.ts'
import type { WorkerPlace } from './core/worker-place.ts'
import { drain, listen } from './http/listen.ts'
import { mergeTraffic } from './telemetry/merge-traffic.ts'
import type { CollectedMetrics, RenderedMetrics } from './telemetry/metrics.ts'
import type { TrafficRecord } from './telemetry/traffic.ts'
import { version } from './version.ts'

/** The parts that can run apart. */
export type Part = 'gateway' | 'authorization-server' | 'admin'

/** A running installation, or the share of it that one process has. */
export interface Running {
  readonly publicUrl: string
  /** The URLs of the resources, in the order of the configuration. */
  readonly resources: readonly ProtectedResource[]
  /** Where the parts listen that were started. */
  readonly urls: Readonly<Partial<Record<Part, string>>>
  /** Where the first user is made, while there is none. A bearer secret. */
  readonly setUpLink: string | undefined
  /** Opens the dashboard once. A bearer secret. */
  readonly dashboardLink: string | undefined
  /** The certificate of the gateway, where it has one of its own. */
  readonly certificate: RunningCertificate | undefined
  readonly log: Base['log']
  /** Has everything read again at once that can be. */
  readonly reload: () => Promise<void>
  /** What this process has counted. */
  readonly collect: () => Promise<CollectedMetrics>
  /** What this process has seen. */
  readonly watch: () => TrafficRecord
  /** Ends in order: no new requests, running ones finish, then everything closes. */
  readonly close: () => Promise<void>
}

/** A certificate that is in use. */
export interface RunningCertificate {
  readonly file: string
  /** The end of the one with which the gateway started. Milliseconds since the Unix epoch. */
  readonly validUntil: number
}

/** Workers that serve for this process, as far as it has to know. */
interface ServedByWorkers {
  /** The parts that they serve. */
  readonly parts: readonly Part[]
  /** How many of them serve now. */
  readonly size: () => number
  /** Writes the metrics of all of them, and those of this process. */
  readonly render: (own: CollectedMetrics) => Promise<RenderedMetrics>
  /** What they have seen. */
  readonly watch: () => Promise<readonly TrafficRecord[]>
  /** Takes what counts those that ended unasked. */
  readonly countLost: (lost: () => void) => void
}

interface StartOptions {
  /** All of them unless said otherwise. */
  readonly parts?: readonly Part[]
  readonly clock?: Clock
  readonly logTo?: NodeJS.WritableStream
  /** Set in a worker: what one process does for all is done by another one. */
  readonly place?: WorkerPlace
  /** Set in the process that leads workers. */
  readonly servedByWorkers?: ServedByWorkers
}

const drainMilliseconds = 10_000

/** Composition root: opens what the parts need, builds them, and lets them listen. Throws what an operator can mend. */
export async function start(config: Config, options: StartOptions = {}): Promise<Running> {
  const { clock = systemClock, parts = ['gateway', 'authorization-server', 'admin'], place } = options
  const { servedByWorkers } = options
  const pair = parts.includes('gateway') ? openPair(config, clock.now()) : undefined
  const base = await openBase(config, { clock, logTo: options.logTo, place })
  const closers: (() => Promise<void> | void)[] = []
  const urls: Partial<Record<Part, string>> = {}
  let setUpLink: string | undefined
  let openDashboard: string | undefined
  const { host, internalHost, adminHost = internalHost, adminNames, tls: files } = config.listen
  const http = httpOptions(config)

  let certificate: RunningCertificate | undefined
  let reload = async (): Promise<void> => undefined

  const serve = async (part: Part, server: Server | TlsServer, address: { host: string; port: number }) => {
    const setting = part === 'authorization-server' ? 'authorizationServer' : part
    const variable = `PORTCULLIS_LISTEN_${part.replace('-', '_').toUpperCase()}`
    const fix = part === 'gateway' ? '--port or listen.gateway' : `listen.${setting} (${variable})`
    const port = await listen(server, { name: part, ...address, fix })
    const scheme = server instanceof TlsServer ? 'https' : 'http'
    urls[part] = `${scheme}://${address.host.includes(':') ? `[${address.host}]` : address.host}:${port}`
    closers.unshift(() => drain(server, drainMilliseconds))
    return port
  }

  try {
    let authorizationPort = config.listen.authorizationServer
    const hasOwn = config.authorizationServer === 'own'
    if (hasOwn && parts.includes('authorization-server')) {
      const server = await buildAuthorizationServer(config, base)
      const address = { host: internalHost, port: authorizationPort }
      const listener = createServer(http, (req, res) => server.handle(req, res))
      authorizationPort = await serve('authorization-server', listener, address)
    }
    if (place === undefined) {
      const hasLogin = [...parts, ...(servedByWorkers?.parts ?? [])].includes('authorization-server')
      const house = await keepHouse(config, base, hasLogin)
      setUpLink = house.setUpLink
      closers.push(house.stop)
    }
    if (parts.includes('gateway')) {
      const gateway = await buildGateway(
        config,
        base,
        hasOwn ? `http://${internalHost}:${authorizationPort}` : undefined,
      )
      const address = { host, port: config.listen.gateway }
      if (pair === undefined || files === undefined) {
        await serve('gateway', createServer(http, gateway.handle), address)
      } else {
        const server = createTlsServer({ ...http, ...tlsOptions(pair) }, gateway.handle)
        await serve('gateway', server, address)
        const keeper = renewCertificate(server, pair, { files, config, base })
        closers.push(keeper.stop)
        certificate = { file: files.certificate, validUntil: pair.validUntil }
        reload = keeper.reload
      }
      closers.push(gateway.close)
      closers.unshift(gateway.endStreams)
    }
    if (parts.includes('admin')) {
      const { watchTraffic, ...health } = watch(base, servedByWorkers)
      const dashboard = buildDashboard(config, base, watchTraffic)
      const isServed = (name: string): boolean => isAdminHost(name, [adminHost, ...adminNames])
      const app = adminApp({ version, ...health, isServed }, dashboardApp(dashboard))
      const listener = getRequestListener(app.fetch)
      const server = createServer(http, (req, res) => void listener(req, res))
      await serve('admin', server, { host: adminHost, port: config.listen.admin })
      openDashboard = dashboardLink(urls.admin ?? '', await dashboard.access.createLink())
    }
  } catch (error) {
    for (const close of closers) await close()
    await base.close()
    throw error
  }

  // Where there are workers, all is up when they are.
  if (place === undefined && servedByWorkers === undefined)
    base.log.started({ publicUrl: config.publicUrl, listening: urls })
  return {
    publicUrl: config.publicUrl,
    resources: base.resources.all,
    urls,
    setUpLink,
    dashboardLink: openDashboard,
    certificate,
    log: base.log,
    reload,
    collect: () => base.metrics.collect(),
    watch: () => base.traffic.record(),
    async close() {
      for (const close of closers) await close()
      await base.close()
    },
  }
}

/** What the admin port tells of this process, and of the workers that it leads. */
function watch(
  { metrics, traffic, checkReady }: Base,
  workers: ServedByWorkers | undefined,
): {
  checkReady: () => Promise<void>
  renderMetrics: () => Promise<RenderedMetrics>
  watchTraffic: () => Promise<TrafficRecord>
} {
  if (workers === undefined) {
    return { checkReady, renderMetrics: () => metrics.render(), watchTraffic: async () => traffic.record() }
  }
  workers.countLost(metrics.watchWorkers(workers.size))
  return {
    async checkReady() {
      await checkReady()
      if (workers.size() === 0) throw new Error('no worker serves')
    },
    renderMetrics: async () => workers.render(await metrics.collect()),
    watchTraffic: async () => mergeTraffic(await workers.watch()),
  }
}

/** A page that has its own name lead here (DNS rebinding) shows that name; an address is nobody's. */
function isAdminHost(hostHeader: string, names: readonly string[]): boolean {
  const { hostname } = URL.parse(`http://${hostHeader}`) ?? { hostname: '' }
  const isAddress = isIP(hostname.replaceAll(/^\[|\]$/g, '')) > 0
  return isAddress || hostname === 'localhost' || names.some((name) => name.toLowerCase() === hostname)
}

function httpOptions({ limits }: Config): ServerOptions {
  return {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headSeconds * 1000,
    requestTimeout: Math.max(limits.headSeconds, limits.requestSeconds) * 1000,
    // Node looks only so often who is late.
    connectionsCheckingInterval: Math.min(limits.headSeconds * 500, 5000),
    keepAliveTimeout: 65_000,
    requireHostHeader: true,
  }
}
