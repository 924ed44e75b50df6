import { Command } from 'commander'
import { dashboardAccess } from '../compose/dashboard/access.ts'
import { adminUrl, dashboardLink } from '../compose/dashboard/link.ts'
import { linkAction } from '../compose/dashboard/record-access.ts'
import { systemClock } from '../core/clock.ts'
import { audited } from './audited.ts'
import { findDashboard, NotRunning } from './find-dashboard.ts'
import { operatorName } from './operator.ts'
import { quoteWord } from './quote-word.ts'
import { addInstallationFlags, type OpenStore, type StoreFlags, withStore } from './with-store.ts'

/** `portcullis dashboard`: a link that opens the dashboard of a running installation. */
export function dashboardCommand(): Command {
  return addInstallationFlags(new Command('dashboard'))
    .description(
      'Print a link that opens the dashboard of a running installation. It works once, within 15 minutes.',
    )
    .action((flags: StoreFlags) =>
      withStore(flags, async (open) => {
        const { store, secret, config } = open
        const access = dashboardAccess({ artifacts: store.artifacts, secret, clock: systemClock })
        const places = await adminUrls(open)
        const admin = await findDashboard(places, { tenant: config.tenant, prove: access.prove })
        if (admin === undefined) throw new NotRunning(whatToStart(flags, places))
        const token = await audited(open, { event: 'admin.access', action: linkAction }, () =>
          access.createLinkToken(operatorName()),
        )
        console.log(dashboardLink(admin, config.tenant, token))
      }),
    )
}

/** Where the admin port may be: as configured, and as of the last start. */
async function adminUrls({ config: { listen }, store }: OpenStore): Promise<string[]> {
  const last = (await store.lastStart.read())?.adminUrl
  const configured = listen.admin === 0 ? undefined : adminUrl(listen, listen.admin)
  return [...new Set([configured, last])].filter((url) => url !== undefined)
}

function whatToStart({ config, data, tenant }: StoreFlags, places: readonly string[]): string {
  const flag = data === undefined ? '' : ` --data ${quoteWord(data)}`
  const command =
    config === undefined
      ? `portcullis demo, run or serve${flag}`
      : `portcullis serve -c ${quoteWord(config)}${flag}`
  const whose = tenant === undefined ? 'this installation' : `the tenant ${tenant}`
  const asked = places.length === 0 ? '' : ` (asked: ${places.join(', ')})`
  return `no server of ${whose} is running here${asked}: start it with ${command}`
}
