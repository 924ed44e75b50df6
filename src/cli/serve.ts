import cluster from 'node:cluster'
import { Command, Option } from 'commander'
import { type Running, start } from '../app.ts'
import type { Part } from '../compose/listeners.ts'
import { loadConfig } from '../config/load.ts'
import { fileVariable } from '../config/reading/environment.ts'
import type { Config } from '../config/schema.ts'
import { systemClock } from '../core/clock.ts'
import { mostWorkers } from '../core/worker-place.ts'
import { lead } from '../workers/lead.ts'
import { work } from '../workers/work.ts'
import { describeRunning, setUpHint } from './banner.ts'
import { describePolicies } from './describe-policies.ts'
import { isFixable } from './fixable.ts'
import { addConfigFlag, addStartFlags, type StartFlags, startSettings } from './flags.ts'
import { keepConfiguration } from './keep-configuration.ts'
import { wrongOperand } from './operand-wrong.ts'
import { closeOnSignal, exitOnSignal, listenToOperator } from './signals.ts'
import { tellUpgrade } from './tell-upgrade.ts'
import { wholeNumber } from './whole-number.ts'

interface ServeFlags extends StartFlags {
  readonly config?: string
  readonly only?: Exclude<Part, 'admin'>
  readonly workers?: number
}

const nobodyToReplace = 'SIGUSR2 replaces workers, and there are none: restart, or start some with --workers'

const separable = ['gateway', 'authorization-server'] as const

/** `portcullis serve`: runs what a configuration file describes. */
export function serveCommand(): Command {
  return addConfigFlag(addStartFlags(new Command('serve')))
    .description('Start what a configuration file describes.')
    .allowExcessArguments() // refused below, with what was probably meant
    .addOption(
      new Option('--only <part>', 'start only this part, with an admin port of its own').choices(separable),
    )
    .option(
      '--workers <number>',
      'number of serving processes on this machine (default: 1)',
      wholeNumber(1, mostWorkers),
    )
    .action(async (flags: ServeFlags, { args: [stray] }: Command) => {
      if (cluster.isWorker) return workAndEnd()
      if (stray !== undefined)
        throw wrongOperand(
          stray,
          'serve takes no arguments: name the file after -c (portcullis serve -c portcullis.yaml)',
        )
      return serve(flags)
    })
}

async function serve({
  config = process.env[fileVariable],
  only,
  workers,
  ...flags
}: ServeFlags): Promise<void> {
  const asked = listenToOperator()
  const load = (certificateAt?: number): Config =>
    loadConfig({
      file: config,
      environment: process.env,
      flags: { ...startSettings(flags), ...(workers === undefined ? {} : { workers }) },
      needsServer: true,
      certificateAt,
    })
  // A part without the public listener need not be able to read its key.
  const settings = load(only === undefined || only === 'gateway' ? systemClock.now() : undefined)
  const isNeeded = [settings, ...settings.tenants].some((one) => one.authorizationServer === 'own')
  if (only === 'authorization-server' && !isNeeded) {
    const message =
      'there is no authorization server to start, since authorizationServer is external: leave out --only, or set authorizationServer: own'
    throw wrongOperand('--only', message)
  }
  // Every process that serves can be monitored.
  const chosen: Part[] = [...(only === undefined ? separable : [only]), 'admin']
  if (settings.workers > 1) exitOnSignal()
  const led =
    settings.workers > 1
      ? await lead(settings, { parts: chosen, count: settings.workers, onUpgrade: tellUpgrade })
      : undefined
  const running = led ?? (await start(settings, { parts: chosen, onUpgrade: tellUpgrade }))
  if (settings.log.format === 'text')
    console.log(describeRunning(running, await running.createDashboardLink?.(), describePolicies(settings)))
  const told = { file: config, data: settings.store.url === undefined ? settings.data : undefined }
  if (running.setUpLink !== undefined) console.error(setUpHint(running.setUpLink, told))
  const tellOfTenants = setUpHints(running, told)
  tellOfTenants()
  const replace = async (next: Config): Promise<void> => {
    await running.replace(next)
    tellOfTenants()
  }
  // Changes of the certificate are handled separately.
  const keeper = keepConfiguration({
    file: config,
    config: settings,
    load: () => load(),
    running: { ...running, replace },
  })
  asked.reload.by(keeper.reload)
  asked.replace.by(led?.replaceWorkers ?? (async () => running.log.logger.warn(nobodyToReplace)))
  await closeOnSignal(async () => {
    // Other parts are told about the end without waiting for a change in progress.
    await Promise.all([keeper.stop(), running.announce()])
    await running.close()
  })
}

/** For each tenant without users, says once where the first one is created. */
function setUpHints(
  { tenants }: Pick<Running, 'tenants'>,
  told: Parameters<typeof setUpHint>[1],
): () => void {
  const links = new Set<string>()
  return () => {
    for (const { name, setUpLink } of tenants()) {
      if (setUpLink === undefined || links.has(setUpLink)) continue
      links.add(setUpLink)
      console.error(setUpHint(setUpLink, { ...told, tenant: name }))
    }
  }
}

/** The order is all that a worker needs: its own flags and variables are those of the primary. */
async function workAndEnd(): Promise<void> {
  try {
    await work(isFixable)
  } catch {
    process.exit(2) // the primary has already been told why
  }
  process.disconnect?.()
}
