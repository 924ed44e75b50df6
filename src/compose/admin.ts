import type { IncomingMessage, ServerResponse } from 'node:http'
import { isIP } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { DashboardPorts } from '../admin/dashboard.ts'
import { adminApp, unnamedHost } from '../admin/server.ts'
import type { Config } from '../config/schema.ts'
import { joinTenants } from '../telemetry/join-metrics.ts'
import { mergeTraffic } from '../telemetry/merge-traffic.ts'
import type { CollectedMetrics, RenderedMetrics } from '../telemetry/metrics.ts'
import type { TenantTraffic, TrafficRecord } from '../telemetry/traffic.ts'
import { version } from '../version.ts'
import type { Base } from './base.ts'
import { buildDashboard } from './dashboard/build.ts'
import type { OpenTenant, Tenants } from './tenants.ts'

/** What the admin port needs to know of workers that serve on behalf of this process. */
export interface WatchedWorkers {
  /** How many of them are serving. */
  readonly size: () => number
  /** Throws with the reason while they cannot serve. */
  readonly checkReady: () => Promise<void>
  /** Renders the metrics of all of them, and those of this process. */
  readonly render: (own: CollectedMetrics) => Promise<RenderedMetrics>
  /** The traffic that they have seen. */
  readonly watch: () => Promise<readonly TenantTraffic[]>
  /** Sets the function to call when one ends unexpectedly. */
  readonly countLost: (lost: () => void) => void
}

/** What answers on the admin port. */
export interface Admin {
  readonly handle: (req: IncomingMessage, res: ServerResponse) => void
  /** A token that opens the dashboard once; only for an operator to see. */
  readonly createLinkToken: (operator: string) => Promise<string>
  /** Ends the streams that dashboards hold open. */
  readonly endStreams: () => void
}

interface AdminOptions {
  /** The current configuration. */
  readonly config: () => Config
  readonly tenants: Pick<Tenants, 'all'>
  readonly workers: WatchedWorkers | undefined
  /** Throws with the reason while this process is starting or shutting down. */
  readonly checkServing: () => void
}

/** Builds health, metrics and a dashboard for each tenant, for this process and the workers that it leads. */
export function buildAdmin(base: Base, options: AdminOptions): Admin {
  const { config, tenants, checkServing } = options
  const { internalHost, adminHost = internalHost, adminNames } = config().listen
  const { watchTraffic, renderMetrics, checkWorkers } = watch(base, options)
  let ending = false
  const isEnding = (): boolean => ending
  const dashboard = buildDashboard(config, base, { record: () => watchTraffic(), isEnding })
  const dashboardOf = (tenant: OpenTenant): DashboardPorts => {
    const record = () => watchTraffic(tenant.name)
    const built = buildDashboard(tenant.config, tenant.base, { record, isEnding })
    // After its tenant is removed, a page that is still open shows nothing more.
    const operatorOf = async (session: string) =>
      tenants.all.includes(tenant) ? built.access.operatorOf(session) : undefined
    return { ...built, access: { ...built.access, operatorOf } }
  }
  const ports = {
    version,
    metricsToken: config().listen.metricsToken,
    onFault: base.onFault,
    renderMetrics,
    async checkReady() {
      checkServing()
      await checkWorkers()
      await checkAll(base, tenants.all)
    },
    isServed: (name: string) => isAdminHost(name, [adminHost, ...adminNames]),
  }
  const build = () =>
    getRequestListener(adminApp(ports, [...tenants.all.map(dashboardOf), dashboard]).fetch, {
      hostname: unnamedHost,
    })
  let shown = tenants.all
  let listener = build()
  return {
    handle(req, res) {
      if (shown !== tenants.all) {
        shown = tenants.all
        listener = build()
      }
      void listener(req, res)
    },
    createLinkToken: (operator) => dashboard.access.createLinkToken(operator),
    endStreams() {
      ending = true
    },
  }
}

interface Watched {
  readonly checkWorkers: () => Promise<void>
  readonly renderMetrics: () => Promise<RenderedMetrics>
  /** The traffic seen for a tenant or, without a name, for the installation itself. */
  readonly watchTraffic: (tenant?: string) => Promise<TrafficRecord>
}

function watch(base: Base, { tenants, workers }: Pick<AdminOptions, 'tenants' | 'workers'>): Watched {
  const { metrics } = base
  if (workers === undefined) {
    return {
      checkWorkers: async () => undefined,
      renderMetrics: async () =>
        tenants.all.length === 0 ? metrics.render() : joinTenants(await collectAll(base, tenants.all)),
      watchTraffic: async (tenant) => trafficOf(tenant, watchAll(base, tenants.all)),
    }
  }
  workers.countLost(metrics.watchWorkers(workers.size))
  return {
    checkWorkers: () => workers.checkReady(),
    renderMetrics: async () => workers.render(await collectAll(base, tenants.all)),
    watchTraffic: async (tenant) => trafficOf(tenant, await workers.watch()),
  }
}

function trafficOf(tenant: string | undefined, seen: readonly TenantTraffic[]): TrafficRecord {
  return mergeTraffic(seen.filter((one) => one.tenant === tenant).map(({ traffic }) => traffic))
}

/** The metrics of this process, for the installation and for its tenants. */
export async function collectAll(
  { metrics }: Pick<Base, 'metrics'>,
  tenants: readonly OpenTenant[],
): Promise<CollectedMetrics> {
  const all = [metrics, ...tenants.map(({ base }) => base.metrics)]
  return (await Promise.all(all.map((one) => one.collect()))).flat()
}

/** The traffic that this process has seen, for the installation and for its tenants. */
export function watchAll(
  { traffic }: Pick<Base, 'traffic'>,
  tenants: readonly OpenTenant[],
): readonly TenantTraffic[] {
  const ofTenants = tenants.map(({ name, base }) => ({ tenant: name, traffic: base.traffic.record() }))
  return [{ traffic: traffic.record() }, ...ofTenants]
}

/** Throws with the reason if this process cannot answer for the installation, or for one of its tenants. */
export async function checkAll(base: Base, tenants: readonly OpenTenant[]): Promise<void> {
  await Promise.all([base, ...tenants.map((tenant) => tenant.base)].map((one) => one.checkReady()))
}

/**
 * A page that makes its own name point here (DNS rebinding) sends that name; an address cannot be made to
 * point anywhere.
 */
function isAdminHost(hostHeader: string, names: readonly string[]): boolean {
  const { hostname } = URL.parse(`http://${hostHeader}`) ?? { hostname: '' }
  const isAddress = isIP(hostname.replaceAll(/^\[|\]$/g, '')) > 0
  return isAddress || hostname === 'localhost' || names.some((name) => name.toLowerCase() === hostname)
}
