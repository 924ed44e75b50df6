import { isDeepStrictEqual } from 'node:util'
import type { Running } from '../app.ts'
import { changedSettings, needingRestart } from '../config/changes.ts'
import { ConfigurationInvalid, type Problem, writeProblem } from '../config/problems.ts'
import type { Config } from '../config/schema.ts'
import { watchFiles } from '../http/watch-files.ts'
import { scrub } from '../telemetry/scrub.ts'
import { isFixable } from './fixable.ts'
import { operatorName } from './operator.ts'

interface KeptInstallation {
  /** Undefined if the configuration only comes from the environment. */
  readonly file: string | undefined
  /** The configuration with which it started. */
  readonly config: Config
  /** Loads it again. Throws ConfigurationInvalid. */
  readonly load: () => Config
  readonly running: Pick<Running, 'log' | 'record' | 'renew' | 'replace'>
}

/** Why a configuration is read. */
interface Occasion {
  readonly isAsked: boolean
  /** Whether it may be the one that was read last, of which nothing is said a second time. */
  readonly isAgain: boolean
}

/** Keeps an installation in line with its configuration. */
export interface ConfigurationKeeper {
  /** Reads everything again immediately, and reports the result even if nothing has changed. */
  readonly reload: () => Promise<void>
  /** Resolves when anything that has begun is done. */
  readonly stop: () => Promise<void>
}

/**
 * Applies the content of the file to an installation, each time the file changes or somebody asks for it. If
 * something is wrong, or requires a restart, the change is refused as a whole: every problem is logged, and
 * the current configuration stays in use.
 */
export function keepConfiguration({ file, config, load, running }: KeptInstallation): ConfigurationKeeper {
  const { logger } = running.log
  const source = file ?? 'the environment'
  let current = config
  let turn = Promise.resolve()

  let refused: string | undefined
  const refuse = (problems: readonly Problem[], { isAgain = false }: Partial<Occasion> = {}): void => {
    const reason = problems.map(writeProblem).join('; ')
    if (isAgain && reason === refused) return
    refused = reason
    logger.warn(
      { file, problems },
      `the configuration in use stays, since ${source} cannot be used: ${reason}`,
    )
    record({ outcome: 'denied', reason })
  }

  /** Applies the configuration as it is now. Somebody who asked is also told that nothing has changed. */
  const take = async ({ isAsked, isAgain }: Occasion): Promise<void> => {
    try {
      const next = load()
      const changed = changedSettings(current, next)
      const late = needingRestart(changed)
      if (late.length > 0) return refuse(late)
      if (changed.length > 0) await use(next, changed)
      else if (isAsked) logger.info({ file }, `the configuration has not changed: ${source}`)
    } catch (error) {
      if (error instanceof ConfigurationInvalid) {
        // A mistake in a file that is new may be mended there alone.
        watch([...filesOf(current), ...error.files])
        return refuse(error.problems, { isAgain })
      }
      const reason = scrub((error as Error).message).replaceAll(/\s+/g, ' ')
      if (isFixable(error)) return refuse([{ path: source, message: reason }])
      logger.error({ file, err: error }, `the configuration in use stays: ${reason}`)
      record({ outcome: 'failed', reason })
    }
  }

  const use = async (next: Config, changed: readonly string[]): Promise<void> => {
    await running.replace(next)
    watch(filesOf(next))
    current = next
    refused = undefined
    const names = changed.join(', ')
    logger.info({ file, changed }, `the new configuration is in use, changed: ${names}`)
    record({ outcome: 'allowed', reason: `changed: ${names}` })
  }

  const record = (what: { readonly outcome: 'allowed' | 'denied' | 'failed'; reason: string }): void => {
    const event = { event: 'admin.configuration', action: 'configuration reload', target: source } as const
    try {
      running.record({ ...event, operator: operatorName(), ...what, reason: scrub(what.reason) })
    } catch (error) {
      logger.error({ err: error }, 'the audit could not be told of the configuration')
    }
  }

  /** Runs one change after another. */
  const inTurn = (act: () => Promise<void>): Promise<void> => {
    turn = turn.then(act).catch((error: unknown) => logger.error({ err: error }, 'fault'))
    return turn
  }

  let stopWatching = (): void => undefined
  let watched: readonly string[] = []
  /** What the configuration names is part of it. */
  const watch = (named: readonly string[]): void => {
    const files = [...new Set([...(file === undefined ? [] : [file]), ...named])]
    if (isDeepStrictEqual(files, watched)) return
    stopWatching()
    watched = files
    // It reports at the beginning, too.
    let isAgain = true
    const onChange = (): void => {
      const occasion = { isAsked: false, isAgain }
      isAgain = false
      void inTurn(() => take(occasion))
    }
    stopWatching = files.length === 0 ? () => undefined : watchFiles({ files, onChange })
  }
  watch(filesOf(config))
  return {
    reload: () =>
      inTurn(async () => {
        await running.renew()
        await take({ isAsked: true, isAgain: false })
      }),
    async stop() {
      stopWatching()
      await turn
    },
  }
}

/** The files with policies, also those of tenants. */
function filesOf({ policies, tenants }: Config): string[] {
  return [policies, ...tenants.map((tenant) => tenant.policies)].flat().map(({ file }) => file)
}
