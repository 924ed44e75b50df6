import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer, Server as TlsServer } from 'node:https'
import type { AuditEvent } from './audit/event.ts'
import { buildAdmin, checkAll, collectAll, type WatchedWorkers } from './compose/admin.ts'
import { openBase } from './compose/base.ts'
import { adminUrl, dashboardLink } from './compose/dashboard/link.ts'
import { keepHouse } from './compose/house.ts'
import { openInstallation } from './compose/installation.ts'
import { httpOptions, noticeSeconds } from './compose/listener-options.ts'
import { openTenants, type RunningTenant } from './compose/tenants.ts'
import { renewCertificate, tlsOptions } from './compose/tls.ts'
import { ConfigurationInvalid } from './config/problems.ts'
import { openPair } from './config/read-pair.ts'
import type { Config } from './config/schema.ts'
import { type Clock, systemClock } from './core/clock.ts'
import type { ProtectedResource } from './core/protected-resource.ts'
import type { WorkerPlace } from './core/worker-place.ts'
import { drain, listen } from './http/listen.ts'
import { inOriginForm } from './http/origin-form.ts'
import type { Log } from './telemetry/log.ts'
import type { CollectedMetrics } from './telemetry/metrics.ts'
import type { TenantTraffic } from './telemetry/traffic.ts'

/** The parts of a process. Gateway and authorization server can run apart; whoever serves has an admin port. */
export type Part = 'gateway' | 'authorization-server' | 'admin'

/** A running installation, or the share of it that one process has. */
export interface Running {
  readonly publicUrl: string
  /** The URLs of the resources, in the order of the configuration. */
  readonly resources: readonly ProtectedResource[]
  /** Those of now. */
  readonly tenants: () => readonly RunningTenant[]
  /** Where the parts listen that were started. */
  readonly urls: Readonly<Partial<Record<Part, string>>>
  /** Where the first user is made, while there is none. A bearer secret. */
  readonly setUpLink: string | undefined
  /** Makes a link that opens the dashboard once, for whoever sees the start. A bearer secret. */
  readonly createDashboardLink: (() => Promise<string>) | undefined
  /** The certificate of the gateway, where it has one of its own. */
  readonly certificate: RunningCertificate | undefined
  readonly log: Log
  /** Looks at once whether the files of the certificate have changed. */
  readonly renew: () => Promise<void>
  /**
   * Goes on with another configuration, of which no setting differs that needs a restart. Throws what an operator can
   * mend, and then nothing has changed.
   */
  readonly replace: (config: Config) => Promise<void>
  /** Writes into the audit what was done to all of it. */
  readonly record: (event: AuditEvent) => void
  /** What this process has counted. */
  readonly collect: () => Promise<CollectedMetrics>
  /** What this process has seen. */
  readonly watch: () => readonly TenantTraffic[]
  /** Throws with the reason where it cannot answer as it should. */
  readonly checkReady: () => Promise<void>
  /** Says on `/readyz` that it ends. Resolves when those who ask there have had time to hear of it. */
  readonly announce: () => Promise<void>
  /** Ends in order, after it has announced that: no new requests, running ones finish, then everything closes. */
  readonly close: () => Promise<void>
}

/** A certificate that is in use. */
export interface RunningCertificate {
  readonly file: string
  /** The end of the one with which the gateway started. Milliseconds since the Unix epoch. */
  readonly validUntil: number
}

/** Workers that serve for this process. */
interface ServedByWorkers extends WatchedWorkers {
  /** The parts that they serve. */
  readonly parts: readonly Part[]
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

interface Address {
  readonly host: string
  readonly port: number
  /** The setting that chooses the host. */
  readonly hostFix: string
}

type State = 'it is starting' | 'serving' | 'it is ending'

const drainMilliseconds = 10_000

/**
 * The composition root: opens what the parts of a process need, builds them, and lets them listen. Closes in the opposite
 * order whatever it has opened, at the end or where something fails. Throws what an operator can mend.
 */
export async function start(first: Config, options: StartOptions = {}): Promise<Running> {
  const { clock = systemClock, parts = ['gateway', 'authorization-server', 'admin'], place } = options
  const { servedByWorkers } = options
  let config = first
  let state: State = 'it is starting'
  const pair = parts.includes('gateway') ? openPair(config, clock.now()) : undefined
  const shared = { clock, logTo: options.logTo, place }
  const base = await openBase(config, shared)
  const { host, internalHost, adminHost = internalHost, tls: files } = config.listen
  const http = httpOptions(config)
  const urls: Partial<Record<Part, string>> = {}
  const closers: (() => Promise<void> | void)[] = [base.close]
  const serve = async (part: Part, server: Server | TlsServer, address: Address): Promise<string> => {
    const url = await open(part, server, address)
    urls[part] = url
    closers.push(() => drain(server, drainMilliseconds))
    return url
  }
  const announce = async (): Promise<void> => {
    if (state === 'it is ending') return
    state = 'it is ending'
    const seconds = urls.admin === undefined ? 0 : noticeSeconds(config)
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  }
  const close = async (): Promise<void> => {
    for (const one of closers.toReversed()) await one()
  }

  try {
    const served = {
      gateway: parts.includes('gateway'),
      authorizationServer: parts.includes('authorization-server'),
      authorizationServerUrl: () =>
        urls['authorization-server'] ?? `http://${internalHost}:${config.listen.authorizationServer}`,
      drainMilliseconds,
    }
    const installation = await openInstallation(config, base, served)
    closers.push(installation.close)
    const tenants = await openTenants(config, {
      base: {
        ...shared,
        log: base.log,
        wayOut: base.wayOut,
        proxyHint: base.proxyHint,
        database: base.database,
      },
      installation: served,
      onFault: base.onFault,
    })
    closers.push(tenants.close)

    // What listens first is closed last: whoever watches sees all of an end.
    let createDashboardLink: (() => Promise<string>) | undefined
    let ownAdmin: string | undefined
    if (parts.includes('admin')) {
      const admin = buildAdmin(base, {
        config: () => config,
        tenants,
        workers: servedByWorkers,
        checkServing: () => {
          if (state !== 'serving') throw new Error(state)
        },
      })
      const url = await serve('admin', createServer(http, admin.handle), {
        host: adminHost,
        port: config.listen.admin,
        hostFix: config.listen.adminHost === undefined ? 'listen.internalHost' : 'listen.adminHost',
      })
      closers.push(admin.endStreams)
      const here = adminUrl(config.listen, Number(new URL(url).port))
      ownAdmin = here
      createDashboardLink = async () => dashboardLink(here, undefined, await admin.createLink('start'))
    }
    if (parts.includes('authorization-server') && hasAuthorizationServer(config)) {
      const handle = inOriginForm(tenants.handleAuthorizationServer(installation.handleAuthorizationServer))
      await serve('authorization-server', createServer(http, handle), {
        host: internalHost,
        port: config.listen.authorizationServer,
        hostFix: 'listen.internalHost',
      })
    }
    let certificate: RunningCertificate | undefined
    let renew = async (): Promise<void> => undefined
    if (parts.includes('gateway')) {
      const address = { host, port: config.listen.gateway, hostFix: 'listen.host' }
      const handle = inOriginForm(tenants.handleGateway(installation.handleGateway))
      if (pair === undefined || files === undefined) {
        await serve('gateway', createServer(http, handle), address)
      } else {
        const server = createTlsServer({ ...http, ...tlsOptions(pair) }, handle)
        await serve('gateway', server, address)
        const keeper = renewCertificate(server, pair, { files, config: () => config, base })
        closers.push(keeper.stop)
        certificate = { file: files.certificate, validUntil: pair.validUntil }
        renew = keeper.reload
      }
      closers.push(installation.endStreams, tenants.endStreams)
    }

    const hasLogin = [...parts, ...(servedByWorkers?.parts ?? [])].includes('authorization-server')
    const keeper = { hasLogin, adminUrl: ownAdmin }
    const house = place === undefined ? await keepHouse(config, base, keeper) : undefined
    if (house !== undefined) {
      closers.push(house.stop)
      await tenants.keepHouses(keeper)
    }

    state = 'serving'
    // Where there are workers, all is up when they are.
    if (place === undefined && servedByWorkers === undefined)
      base.log.started({ publicUrl: config.publicUrl, listening: urls })
    return {
      publicUrl: config.publicUrl,
      resources: base.resources.all,
      tenants: tenants.running,
      urls,
      setUpLink: house?.setUpLink,
      createDashboardLink,
      certificate,
      log: base.log,
      renew,
      async replace(next) {
        checkListeners(next, urls, parts)
        if (parts.includes('gateway') && bringsHost(config, next)) openPair(next, clock.now())
        const change = await installation.prepare(next)
        const others = await tenants.prepare(next).catch((error: unknown) => {
          change.discard()
          throw error
        })
        change.apply()
        others.apply()
        config = next
        base.log.setLevel(next.log.level)
        await house?.note(next).catch(base.onFault)
        await tenants.note()
      },
      record: (event) => base.trail.commit(event),
      collect: () => collectAll(base, tenants.all),
      watch: () => [{ traffic: base.traffic.record() }, ...tenants.watch()],
      checkReady: () => checkAll(base, tenants.all),
      announce,
      async close() {
        await announce()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Lets a part listen. Returns its URL. */
async function open(part: Part, server: Server | TlsServer, address: Address): Promise<string> {
  const setting = part === 'authorization-server' ? 'authorizationServer' : part
  const variable = `PORTCULLIS_LISTEN_${part.replace('-', '_').toUpperCase()}`
  const fix = part === 'gateway' ? '--port or listen.gateway' : `listen.${setting} (${variable})`
  const port = await listen(server, { name: part, ...address, fix })
  const scheme = server instanceof TlsServer ? 'https' : 'http'
  return `${scheme}://${address.host.includes(':') ? `[${address.host}]` : address.host}:${port}`
}

/** Throws where another configuration needs a listener that this process did not open when it started. */
function checkListeners(next: Config, urls: Running['urls'], parts: readonly Part[]): void {
  if (!parts.includes('authorization-server') || urls['authorization-server'] !== undefined) return
  const message =
    'needs an authorization server, which was not opened at the start, where nobody needed one: restart, or set external'
  const problems = next.tenants.flatMap((tenant) =>
    tenant.authorizationServer === 'own'
      ? [{ path: `tenants[${tenant.name}].authorizationServer`, message }]
      : [],
  )
  if (problems.length > 0) throw new ConfigurationInvalid(problems)
}

/** Whether a tenant comes with a host that the certificate may not cover. */
function bringsHost(before: Config, next: Config): boolean {
  const known = new Set(before.tenants.map(({ host }) => host))
  return next.tenants.some(({ host }) => host !== undefined && !known.has(host))
}

/** Whether anybody gets access tokens from a server of ours. */
function hasAuthorizationServer(config: Config): boolean {
  return [config, ...config.tenants].some(({ authorizationServer }) => authorizationServer === 'own')
}
