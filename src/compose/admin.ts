import type { IncomingMessage, ServerResponse } from 'node:http'
import { isIP } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { dashboardApp } from '../admin/dashboard.ts'
import { adminApp } from '../admin/server.ts'
import type { Config } from '../config/schema.ts'
import { mergeTraffic } from '../telemetry/merge-traffic.ts'
import type { CollectedMetrics, RenderedMetrics } from '../telemetry/metrics.ts'
import type { TrafficRecord } from '../telemetry/traffic.ts'
import { version } from '../version.ts'
import type { Base } from './base.ts'
import { buildDashboard } from './dashboard/build.ts'

/** Workers that serve for this process, as far as it has to know. */
export interface WatchedWorkers {
  /** How many of them serve now. */
  readonly size: () => number
  /** Writes the metrics of all of them, and those of this process. */
  readonly render: (own: CollectedMetrics) => Promise<RenderedMetrics>
  /** What they have seen. */
  readonly watch: () => Promise<readonly TrafficRecord[]>
  /** Takes what counts those that ended unasked. */
  readonly countLost: (lost: () => void) => void
}

/** What answers on the admin port. */
export interface Admin {
  readonly handle: (req: IncomingMessage, res: ServerResponse) => void
  /** A token with which the dashboard opens once. */
  readonly createLink: () => Promise<string>
}

interface AdminOptions {
  /** The configuration as it is now. */
  readonly config: () => Config
  readonly workers: WatchedWorkers | undefined
  /** Throws with the reason while this process begins or ends. */
  readonly checkServing: () => void
}

/** Builds health, metrics and dashboard over this process, and over the workers that it leads. */
export function buildAdmin(base: Base, { config, workers, checkServing }: AdminOptions): Admin {
  const { internalHost, adminHost = internalHost, adminNames } = config().listen
  const { watchTraffic, renderMetrics, checkWorkers } = watch(base, workers)
  const dashboard = buildDashboard(config, base, watchTraffic)
  const ports = {
    version,
    renderMetrics,
    async checkReady() {
      checkServing()
      checkWorkers()
      await base.checkReady()
    },
    isServed: (name: string) => isAdminHost(name, [adminHost, ...adminNames]),
  }
  const listener = getRequestListener(adminApp(ports, dashboardApp(dashboard)).fetch)
  return {
    handle: (req, res) => void listener(req, res),
    createLink: () => dashboard.access.createLink(),
  }
}

interface Watched {
  readonly checkWorkers: () => void
  readonly renderMetrics: () => Promise<RenderedMetrics>
  readonly watchTraffic: () => Promise<TrafficRecord>
}

function watch({ metrics, traffic }: Base, workers: WatchedWorkers | undefined): Watched {
  if (workers === undefined) {
    return {
      checkWorkers: () => undefined,
      renderMetrics: () => metrics.render(),
      watchTraffic: async () => traffic.record(),
    }
  }
  workers.countLost(metrics.watchWorkers(workers.size))
  return {
    checkWorkers() {
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
