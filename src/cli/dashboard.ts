import { Command } from 'commander'
import { dashboardAccess } from '../compose/dashboard/access.ts'
import { dashboardLink } from '../compose/dashboard/build.ts'
import { linkAction } from '../compose/dashboard/record-access.ts'
import { systemClock } from '../core/clock.ts'
import { audited } from './audited.ts'
import { OperandWrong } from './operand-wrong.ts'
import { operatorName } from './operator.ts'
import { addInstallationFlags, type StoreFlags, withStore } from './with-store.ts'

/** `portcullis dashboard`: a link that opens the dashboard of a running installation. */
export function dashboardCommand(): Command {
  return addInstallationFlags(new Command('dashboard'))
    .description('Print a link that opens the dashboard of a running installation once, within 15 minutes.')
    .action((flags: StoreFlags) =>
      withStore(flags, async (open) => {
        const { store, secret, config } = open
        if (config.listen.admin === 0) {
          const message =
            'must be a port for this command: with 0 only the process that listens knows it, and prints a link when it starts'
          throw new OperandWrong([{ path: 'listen.admin', message }])
        }
        const access = dashboardAccess({ artifacts: store.artifacts, secret, clock: systemClock })
        const token = await audited(open, { event: 'admin.access', action: linkAction }, () =>
          access.createLink(operatorName()),
        )
        console.log(dashboardLink(config, config.listen.admin, token))
      }),
    )
}
