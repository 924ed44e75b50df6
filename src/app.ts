import type { AuditEvent } from './audit/event.ts'
import { checkAll, collectAll, type WatchedWorkers, watchAll } from './compose/admin.ts'
import { openBase } from './compose/base.ts'
import { keepHouse } from './compose/house.ts'
import { openInstallation } from './compose/installation.ts'
import { noticeSeconds } from './compose/listener-options.ts'
import {
  createOpened,
  openAdminListener,
  openAuthorizationServerListener,
  openGatewayListener,
  type Part,
  type RunningCertificate,
} from './compose/listeners.ts'
import { openTenants, type RunningTenant } from './compose/tenants.ts'
import { ConfigurationInvalid } from './config/problems.ts'
import { openPair } from './config/reading/read-pair.ts'
import type { Config } from './config/schema.ts'
import { type Clock, systemClock } from './core/clock.ts'
import type { ProtectedResource } from './core/protected-resource.ts'
import type { WorkerPlace } from './core/worker-place.ts'
import { originAt } from './http/listen.ts'
import type { Log } from './telemetry/log.ts'
import type { CollectedMetrics } from './telemetry/metrics.ts'
import type { TenantTraffic } from './telemetry/traffic.ts'

/** A running installation, or the share of it that one process has. */
export interface Running {
  readonly publicUrl: string
  /** The URLs of the resources, in the order of the configuration. */
  readonly resources: readonly ProtectedResource[]
  /** The current tenants. */
  readonly tenants: () => readonly RunningTenant[]
  /** Where the parts that were started listen. */
  readonly urls: Readonly<Partial<Record<Part, string>>>
  /** Where the first user is created, as long as there is none. A bearer secret. */
  readonly setUpLink: string | undefined
  /** Creates a link that opens the dashboard once, for the person who starts the process. A bearer secret. */
  readonly createDashboardLink: (() => Promise<string>) | undefined
  /** The gateway's certificate, if it has its own. */
  readonly certificate: RunningCertificate | undefined
  readonly log: Log
  /** Checks at once whether the certificate's files have changed. */
  readonly renew: () => Promise<void>
  /**
   * Switches to another configuration, which must not differ in any setting that needs a restart. Throws
   * problems that an operator can fix, having changed nothing.
   */
  readonly replace: (config: Config) => Promise<void>
  /** Writes to the audit what was done to the whole installation. */
  readonly record: (event: AuditEvent) => void
  /** The metrics of this process. */
  readonly collect: () => Promise<CollectedMetrics>
  /** The recent traffic that this process has seen. */
  readonly watch: () => readonly TenantTraffic[]
  /** Throws with the reason if it cannot answer as it should. */
  readonly checkReady: () => Promise<void>
  /**
   * Reports on `/readyz` that the process is shutting down. Resolves when load balancers have had time to
   * notice.
   */
  readonly announce: () => Promise<void>
  /**
   * Announces the shutdown, then shuts down in order: no new requests, running ones finish, then everything
   * closes.
   */
  readonly close: () => Promise<void>
}

/** Workers that serve for this process. */
interface ServedByWorkers extends WatchedWorkers {
  /** The parts that the workers serve. */
  readonly parts: readonly Part[]
}

interface StartOptions {
  /** Default: all. */
  readonly parts?: readonly Part[]
  readonly clock?: Clock
  readonly logTo?: NodeJS.WritableStream
  /** Called before a store of an earlier version is brought to this one. */
  readonly onUpgrade?: () => void
  /** Set in a worker: what one process does for all is done by another process. */
  readonly place?: WorkerPlace
  /** Set in the process that leads workers. */
  readonly servedByWorkers?: ServedByWorkers
}

/** Except for `serving`, the reasons for which `/readyz` says that the process is not ready. */
type State = 'it is starting' | 'serving' | 'it is ending'

/**
 * The composition root: opens what the parts of a process need, builds them and makes them listen. At the
 * end, or if something fails, closes everything it has opened, in reverse order. Throws problems that an
 * operator can fix.
 */
export async function start(first: Config, options: StartOptions = {}): Promise<Running> {
  const { clock = systemClock, parts = ['gateway', 'authorization-server', 'admin'], place } = options
  const { servedByWorkers } = options
  let config = first
  let state: State = 'it is starting'
  const pair = parts.includes('gateway') ? openPair(config, clock.now()) : undefined
  const shared = { clock, logTo: options.logTo, place, onUpgrade: options.onUpgrade }
  const base = await openBase(config, shared)
  const opened = createOpened(base)
  opened.closeBy(base.close)
  const { urls } = opened
  const announce = async (): Promise<void> => {
    if (state === 'it is ending') return
    state = 'it is ending'
    const seconds = urls.admin === undefined ? 0 : noticeSeconds(config)
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  }
  const checkServing = (): void => {
    if (state !== 'serving') throw new Error(state)
  }

  try {
    const { internalHost, authorizationServer: port } = config.listen
    const served = {
      gateway: parts.includes('gateway'),
      authorizationServer: parts.includes('authorization-server'),
      authorizationServerUrl: () => urls['authorization-server'] ?? originAt('http', internalHost, port),
    }
    const installation = await openInstallation(config, base, served)
    opened.closeBy(installation.close)
    const { log, wayOut, proxyHint, database, onFault } = base
    const tenants = await openTenants(config, {
      base: { ...shared, log, wayOut, proxyHint, database },
      installation: served,
      onFault,
    })
    opened.closeBy(tenants.close)

    // What listens first is closed last, so that an observer sees the whole shutdown.
    const ports = { opened, base, config: () => config, installation, tenants }
    const admin = parts.includes('admin')
      ? await openAdminListener(ports, { workers: servedByWorkers, checkServing })
      : undefined
    if (parts.includes('authorization-server') && hasAuthorizationServer(config))
      await openAuthorizationServerListener(ports)
    const gateway = parts.includes('gateway') ? await openGatewayListener(ports, pair) : undefined

    const hasLogin = [...parts, ...(servedByWorkers?.parts ?? [])].includes('authorization-server')
    const keeper = { hasLogin, adminUrl: admin?.url }
    const house = place === undefined ? await keepHouse(config, base, keeper) : undefined
    if (house !== undefined) {
      opened.closeBy(house.stop)
      await tenants.keepHouses(keeper)
    }

    state = 'serving'
    // With workers, everything is up only when they are.
    if (place === undefined && servedByWorkers === undefined)
      log.started({
        publicUrl: config.publicUrl,
        servers: serverUrls(base.resources.all, tenants.running()),
        listening: urls,
      })
    return {
      publicUrl: config.publicUrl,
      resources: base.resources.all,
      tenants: tenants.running,
      urls,
      setUpLink: house?.setUpLink,
      createDashboardLink: admin?.createDashboardLink,
      certificate: gateway?.certificate,
      log,
      renew: gateway?.renew ?? (async () => undefined),
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
        log.setLevel(next.log.level)
        await house?.note(next).catch(onFault)
        await tenants.note()
      },
      record: (event) => base.trail.commit(event),
      collect: () => collectAll(base, tenants.all),
      watch: () => watchAll(base, tenants.all),
      checkReady: () => checkAll(base, tenants.all),
      announce,
      async close() {
        await announce()
        await opened.close()
      },
    }
  } catch (error) {
    await opened.close()
    throw error
  }
}

/** Throws if another configuration needs a listener that this process did not open when it started. */
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

/** Whether a new tenant has a host that the certificate may not cover. */
function bringsHost(before: Config, next: Config): boolean {
  const known = new Set(before.tenants.map(({ host }) => host))
  return next.tenants.some(({ host }) => host !== undefined && !known.has(host))
}

/** Whether any tenant, or the installation itself, uses the built-in authorization server. */
function hasAuthorizationServer(config: Config): boolean {
  return [config, ...config.tenants].some(({ authorizationServer }) => authorizationServer === 'own')
}

/** Where clients find all servers, those of tenants last. */
export function serverUrls(
  own: readonly ProtectedResource[],
  tenants: readonly Pick<RunningTenant, 'resources'>[],
): string[] {
  return [own, ...tenants.map(({ resources }) => resources)].flat().map(({ resource }) => resource)
}
