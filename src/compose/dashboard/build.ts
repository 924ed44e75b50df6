import { isIP } from 'node:net'
import type { DashboardPorts } from '../../admin/dashboard.ts'
import type { Config } from '../../config/schema.ts'
import { tenantPath } from '../../config/tenant.ts'
import { displayText } from '../../http/page.ts'
import type { TrafficRecord } from '../../telemetry/traffic.ts'
import type { Base } from '../base.ts'
import { dashboardAccess } from './access.ts'
import { buildListings } from './listings.ts'
import { describeTraffic } from './overview.ts'
import { recordAccess } from './record-access.ts'

/** Where a link opens the dashboard of a configuration. A bearer secret: for the operator's eyes, never for a log. */
export function dashboardLink(
  { tenant, listen }: Pick<Config, 'tenant' | 'listen'>,
  port: number,
  token: string,
): string {
  const { internalHost, adminHost = internalHost } = listen
  // One that listens everywhere is here, too.
  const host = isIP(adminHost) === 6 ? '[::1]' : '127.0.0.1'
  const shown = /^(?:0\.0\.0\.0|::)$/.test(adminHost)
    ? host
    : isIP(adminHost) === 6
      ? `[${adminHost}]`
      : adminHost
  return `http://${shown}:${port}${basePathOf(tenant)}/sign-in/${token}`
}

/** What a dashboard has of the process that shows it. */
interface Watched extends Pick<DashboardPorts, 'isEnding'> {
  /** What was seen of traffic. */
  readonly record: () => Promise<TrafficRecord>
}

/** Builds the dashboard over the store, and over what the processes of this machine have seen. */
export function buildDashboard(
  config: () => Config,
  base: Pick<Base, 'store' | 'secret' | 'clock' | 'trail' | 'onFault'>,
  { record, isEnding }: Watched,
): DashboardPorts {
  const { store, secret, clock, trail, onFault } = base
  const nameOf = async (subject: string): Promise<string> =>
    displayText((await store.users.find(subject))?.name ?? subject)
  const { tenant } = config()
  return {
    place: { tenant: tenant?.name, base: basePathOf(tenant) },
    access: recordAccess(dashboardAccess({ artifacts: store.artifacts, secret, clock }), trail),
    overview: async () => describeTraffic(await record(), clock.now(), nameOf),
    listings: buildListings({ config, store, secret, clock, trail, nameOf }),
    isEnding,
    onFault,
  }
}

/** On the admin port, where a name of its own leads nowhere. */
function basePathOf(tenant: Config['tenant']): string {
  return tenant === undefined ? '' : tenantPath(tenant.name)
}
