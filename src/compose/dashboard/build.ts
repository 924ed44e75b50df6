import type { DashboardPorts } from '../../admin/dashboard.ts'
import type { Config } from '../../config/schema.ts'
import { displayText } from '../../core/display-text.ts'
import type { TrafficRecord } from '../../telemetry/traffic.ts'
import type { Base } from '../base.ts'
import { dashboardAccess } from './access.ts'
import { dashboardPath } from './link.ts'
import { buildListings } from './listings.ts'
import { describeTraffic } from './overview.ts'
import { recordAccess } from './record-access.ts'

/** What a dashboard needs from the process that shows it. */
interface Watched extends Pick<DashboardPorts, 'isEnding'> {
  /** The traffic that was seen. */
  readonly record: () => Promise<TrafficRecord>
}

/** Builds the dashboard over the store and over what the processes of this machine have seen. */
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
    place: { tenant: tenant?.name, base: dashboardPath(tenant) },
    access: recordAccess(dashboardAccess({ artifacts: store.artifacts, secret, clock }), trail),
    overview: async () => describeTraffic(await record(), clock.now(), nameOf),
    listings: buildListings({ config, store, secret, clock, trail, nameOf }),
    isEnding,
    onFault,
  }
}
