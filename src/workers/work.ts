import { type Running, start } from '../app.ts'
import type { Config } from '../config/schema.ts'
import { type Envelope, type Order, type Report, readOrder } from './contract.ts'

/**
 * Does the work of one worker: starts what the primary orders, and drains when it says so, or on SIGTERM. Resolves when
 * all is closed. `isMendable` says which failures an operator can do something about.
 */
export async function work(isMendable: (error: unknown) => boolean): Promise<void> {
  const { promise: drained, resolve: drain } = Promise.withResolvers<void>()
  process.once('SIGTERM', () => drain())
  // Ctrl-C and the end of a terminal reach the whole group; the primary says what is to be done about it.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGUSR2'] as const) process.on(signal, () => undefined)

  const { promise: started, resolve: begin } = Promise.withResolvers<Extract<Order, { kind: 'start' }>>()
  let running: Running | undefined
  process.on('message', (message: unknown) => {
    const order = readOrder(message)
    if (order?.kind === 'start') begin(order)
    else if (order?.kind === 'renew') void running?.renew()
    else if (order?.kind === 'replace')
      void replace(running, order.config).then((problem) => report({ kind: 'replaced', problem }))
    else if (order?.kind === 'collect')
      void running?.collect().then((metrics) => report({ kind: 'collected', metrics }))
    else if (order?.kind === 'watch' && running !== undefined)
      report({ kind: 'watched', traffic: running.watch() })
    else if (order?.kind === 'check' && running !== undefined)
      void problemOf(running.checkReady()).then((problem) => report({ kind: 'checked', problem }))
    else if (order?.kind === 'pulse') report({ kind: 'alive' })
    else if (order?.kind === 'drain') drain()
  })
  report({ kind: 'up' })
  const { config, parts, place } = await started
  try {
    running = await start(config, { parts, place })
  } catch (error) {
    const mendable = isMendable(error)
    report({
      kind: 'failed',
      message: String(mendable ? (error as Error).message : (error as Error).stack),
      mendable,
    })
    throw error
  }
  const { urls, certificate } = running
  report({ kind: 'ready', urls, certificate })
  await drained
  await running.close()
  report({ kind: 'collected', metrics: await running.collect() })
}

/** Says what stood in the way; the primary tells it. */
async function replace(running: Running | undefined, config: Config): Promise<string | undefined> {
  return running === undefined ? 'the worker has not started' : problemOf(running.replace(config))
}

function problemOf(attempt: Promise<void>): Promise<string | undefined> {
  return attempt.then(
    () => undefined,
    (error: unknown) => (error as Error).message,
  )
}

function report(what: Report): void {
  const envelope: Envelope<Report> = { portcullis: what }
  // A primary that is gone hears nothing, and this process ends with it.
  if (process.connected) process.send?.(envelope, undefined, undefined, () => undefined)
}
