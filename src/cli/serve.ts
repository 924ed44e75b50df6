import { Command, Option } from 'commander'
import { type Part, start } from '../app.ts'
import { fileVariable } from '../config/environment.ts'
import { loadConfig } from '../config/load.ts'
import { systemClock } from '../core/clock.ts'
import { describeRunning, setUpHint } from './banner.ts'
import { addCommonFlags, type CommonFlags, flagSettings } from './flags.ts'
import { closeOnSignal, reloadOnSignal } from './signals.ts'

interface ServeFlags extends CommonFlags {
  readonly config?: string
  readonly only?: Part
}

const parts: readonly Part[] = ['gateway', 'authorization-server', 'admin']

/** `portcullis serve`: what a configuration file says. */
export function serveCommand(): Command {
  return addCommonFlags(new Command('serve'))
    .description('Start what a configuration file says.')
    .option('-c, --config <file>', `YAML file (or the variable ${fileVariable})`)
    .addOption(new Option('--only <part>', 'start one part alone').choices(parts))
    .action(async ({ config = process.env[fileVariable], only, ...flags }: ServeFlags) => {
      const settings = loadConfig({
        file: config,
        environment: process.env,
        flags: flagSettings(flags),
        needsServer: true,
        // A part without the public listener need not be able to read its key.
        certificateAt: only === undefined || only === 'gateway' ? systemClock.now() : undefined,
      })
      const running = await start(settings, only === undefined ? {} : { parts: [only] })
      if (settings.log.format === 'text') console.log(describeRunning(running))
      if (running.setUpLink !== undefined) console.error(setUpHint(running.setUpLink))
      if (running.certificate !== undefined) reloadOnSignal(running.certificate.reload)
      await closeOnSignal(running.close)
    })
}
