import { Command } from 'commander'
import { dashboardAccess } from '../compose/dashboard/access.ts'
import { dashboardLink } from '../compose/dashboard/build.ts'
import { systemClock } from '../core/clock.ts'
import { addInstallationFlags, type StoreFlags, withStore } from './with-store.ts'

/** `portcullis dashboard`: a link that opens the dashboard of a running installation. */
export function dashboardCommand(): Command {
  return addInstallationFlags(new Command('dashboard'))
    .description('Print a link that opens the dashboard of a running installation once, within 15 minutes.')
    .action((flags: StoreFlags) =>
      withStore(flags, async ({ store, secret, config }) => {
        const { listen } = config
        const access = dashboardAccess({ artifacts: store.artifacts, secret, clock: systemClock })
        const host = listen.internalHost.includes(':') ? `[${listen.internalHost}]` : listen.internalHost
        console.log(dashboardLink(config, `http://${host}:${listen.admin}`, await access.createLink()))
      }),
    )
}
