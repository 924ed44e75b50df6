import { type Running, start } from '../app.ts'
import type { Config } from '../config/schema.ts'
import { type Envelope, type Order, type Report, readOrder } from './contract.ts'

/**
 * Does the work of one worker: starts what the primary orders, and drains when told to. Resolves when everything
 * is closed. `isFixable` says which failures an operator can fix.
 */
export async function work(isFixable: (error: unknown) => boolean): Promise<void> {
  const { promise: drained, resolve: drain } = Promise.withResolvers<void>()
  // Ctrl-C and the end of a terminal reach the whole process group, and systemd ends all processes of a unit at
  // once; the primary decides what to do about that.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'] as const)
    process.on(signal, () => undefined)

  const { promise: started, resolve: begin } = Promise.withResolvers<Extract<Order, { kind: 'start' }>>()
  let running: Running | undefined
  /** The primary waits for some seconds at most, and uses the last answer that it received. */
  const answer = (report: Promise<Report> | undefined): void =>
    void report?.then(tell).catch((error: unknown) => running?.log.logger.error({ err: error }, 'fault'))
  process.on('message', (message: unknown) => {
    const order = readOrder(message)
    switch (order?.kind) {
      case 'start':
        return begin(order)
      case 'renew':
        return void running?.renew()
      case 'replace':
        return answer(replace(running, order.config))
      case 'collect':
        return answer(running && collect(running))
      case 'watch':
        return running && tell({ kind: 'watched', traffic: running.watch() })
      case 'check':
        return answer(running && check(running))
      case 'pulse':
        return tell({ kind: 'alive' })
      case 'drain':
        return drain()
      case undefined:
        return undefined
    }
  })
  tell({ kind: 'up' })
  const { config, parts, place } = await started
  try {
    running = await start(config, { parts, place })
  } catch (error) {
    const fixable = isFixable(error)
    tell({
      kind: 'failed',
      message: String(fixable ? (error as Error).message : (error as Error).stack),
      fixable,
    })
    throw error
  }
  const { urls, certificate } = running
  tell({ kind: 'ready', urls, certificate })
  await drained
  await running.close()
  tell(await collect(running))
}

/** Returns what prevented it, which the primary reports. */
async function replace(running: Running | undefined, config: Config): Promise<Report> {
  const problem =
    running === undefined ? 'the worker has not started' : await problemOf(running.replace(config))
  return { kind: 'replaced', problem }
}

async function collect(running: Running): Promise<Report> {
  return { kind: 'collected', metrics: await running.collect() }
}

async function check(running: Running): Promise<Report> {
  return { kind: 'checked', problem: await problemOf(running.checkReady()) }
}

function problemOf(attempt: Promise<void>): Promise<string | undefined> {
  return attempt.then(
    () => undefined,
    (error: unknown) => (error as Error).message,
  )
}

function tell(report: Report): void {
  const envelope: Envelope<Report> = { portcullis: report }
  // If the primary has ended, nobody listens, and this process ends as well.
  if (process.connected) process.send?.(envelope, undefined, undefined, () => undefined)
}
