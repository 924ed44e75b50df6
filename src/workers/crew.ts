import type { Config } from '../config/schema.ts'
import type { CollectedMetrics } from '../telemetry/metrics.ts'
import type { TenantTraffic } from '../telemetry/traffic.ts'
import type { Order } from './contract.ts'
import { createCounts } from './counts.ts'
import { WorkerFailed } from './failure.ts'
import { type HiredWorker, hire } from './hire.ts'

/** The workers of an installation. */
export interface Crew {
  readonly ready: HiredWorker['ready']
  /** How many are serving. */
  readonly size: () => number
  tell(order: Order): void
  /** What all of them have counted, including those that have ended. */
  collect(): Promise<readonly CollectedMetrics[]>
  /** What the serving ones have seen. */
  watch(): Promise<readonly TenantTraffic[]>
  /** Throws with the reason if none is serving, or a serving one cannot answer properly. */
  checkReady(): Promise<void>
  /**
   * Switches all of them to another configuration, with which later ones also start. Rejects with
   * WorkerFailed if the first one cannot, and then none does; any other one that cannot is replaced by one
   * that starts with it.
   */
  replace(config: Config): Promise<void>
  /** Replaces all of them, one after another, so that some are serving at any time. */
  replaceAll(): Promise<void>
  /** Lets all of them finish. Resolves when they have ended. */
  close(): Promise<void>
}

type StartOrder = Extract<Order, { kind: 'start' }>

interface CrewOptions {
  /** The start order for the worker of each place. */
  readonly orders: readonly StartOrder[]
  readonly log: Record<'info' | 'warn', (facts: object, message: string) => void>
  /** Called when one has ended unexpectedly. */
  readonly onLost: () => void
}

const firstPauseMilliseconds = 1000
const longestPauseMilliseconds = 60_000
/** A worker that served for this long did not fail at its start. */
const healthyMilliseconds = 60_000
/** Longer than a worker takes to finish what is in progress. */
const drainMilliseconds = 15_000
const pulseMilliseconds = 5000
/** A worker that has been silent for so many pulses, half a minute, does not recover. */
const mostSilentPulses = 6

/**
 * The second loss in a row is followed by a pause of one second, and each further one by a pause twice as
 * long as the last.
 */
export function pauseAfterLosses(losses: number): number {
  return losses < 2 ? 0 : Math.min(firstPauseMilliseconds * 2 ** (losses - 2), longestPauseMilliseconds)
}

/**
 * Starts the workers, and replaces each one that ends. Rejects, with none left running, if one cannot start
 * at first.
 */
export async function startCrew(options: CrewOptions): Promise<Crew> {
  const { log, onLost } = options
  let orders = options.orders
  const places: (HiredWorker | undefined)[] = orders.map(() => undefined)
  const losses: number[] = []
  const counts = createCounts()
  let closing = false
  /** Ends those that have not become ready. */
  const starts = new AbortController()
  const { promise: closed, resolve: close } = Promise.withResolvers<void>()

  const serving = (): HiredWorker[] => places.filter((hired) => hired !== undefined)
  const release = async (hired: HiredWorker): Promise<void> => {
    hired.tell({ kind: 'drain' })
    const timer = setTimeout(() => hired.kill(), drainMilliseconds)
    await hired.gone
    clearTimeout(timer)
    await counts.keep(hired)
  }

  const fillings = orders.map(() => Promise.resolve())
  /** Starts a worker for a place, unless a worker other than `before` has taken it by then. */
  const fill = (index: number, before?: HiredWorker): Promise<void> => {
    const filling = (fillings[index] as Promise<void>).then(() => fillNow(index, before))
    // With two workers for one place, nobody would know of one of them.
    fillings[index] = filling.catch(() => undefined)
    return filling
  }
  const fillNow = async (index: number, before: HiredWorker | undefined): Promise<void> => {
    if (closing || (places[index] !== undefined && places[index] !== before)) return
    let order = orders[index] as StartOrder
    const hired = await hire(order, starts.signal).catch((error: unknown) => {
      if (!closing) throw error
    })
    if (hired === undefined) return
    counts.add(hired)
    const began = performance.now()
    // The configuration was replaced while it started.
    while (order !== orders[index]) {
      order = orders[index] as StartOrder
      const problem = await hired.replace(order.config)
      if (problem === undefined) continue
      void release(hired)
      throw new WorkerFailed(problem)
    }
    // It became ready while the others were being told to end.
    if (closing) return release(hired)
    places[index] = hired
    const lose = (replace: (index: number, hired: HiredWorker) => void): void => {
      // Otherwise it was meant to end, and its successor has the place.
      if (closing || places[index] !== hired) return
      onLost()
      losses[index] = performance.now() - began >= healthyMilliseconds ? 1 : (losses[index] ?? 0) + 1
      replace(index, hired)
    }
    void hired.full.then(() => lose(replaceFull))
    void hired.gone.then((how) => lose(() => void replaceLost(index, hired, how)))
  }
  const replaceLost = async (index: number, hired: HiredWorker, how: string): Promise<void> => {
    places[index] = undefined
    log.warn({ worker: index, how }, `worker ${index} ended with ${how} and is replaced`)
    await counts.keep(hired)
    await refill(index)
  }
  /** It may finish what it has begun, but nobody else reaches it. */
  const replaceFull = (index: number, hired: HiredWorker): void => {
    log.warn(
      { worker: index, pid: hired.pid },
      `worker ${index} has too many files and connections open to get another one, and is replaced: raise the limit (ulimit -n, LimitNOFILE)`,
    )
    giveUp(hired)
  }
  const refill = async (index: number): Promise<void> => {
    const pause = pauseAfterLosses(losses[index] ?? 0)
    const { promise: over, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, pause)
    await Promise.race([closed, over])
    clearTimeout(timer)
    try {
      await fill(index)
    } catch (error) {
      const reason = (error as Error).message
      losses[index] = (losses[index] ?? 0) + 1
      log.warn({ worker: index, reason }, `worker ${index} cannot start, which is tried again: ${reason}`)
      await refill(index)
    }
  }
  /**
   * Ends a worker that cannot switch to the configuration that the operator wants: it takes no more
   * connections, even if no other can start in its place.
   */
  const giveUp = (hired: HiredWorker): void => {
    const index = places.indexOf(hired)
    // One that has ended is already being replaced.
    if (closing || index === -1) return
    places[index] = undefined
    void release(hired)
    void refill(index)
  }
  /**
   * Ends workers that hang: clients would wait for ever on their connections and sessions. Pulses are counted
   * instead of seconds, so that no worker is ended because the whole machine was asleep.
   */
  const endSilent = (): void => {
    for (const [index, one] of places.entries()) {
      if (one === undefined || one.pulse() <= mostSilentPulses) continue
      const seconds = (mostSilentPulses * pulseMilliseconds) / 1000
      log.warn(
        { worker: index, pid: one.pid },
        `worker ${index} has not answered for ${seconds} s and is ended`,
      )
      one.kill()
    }
  }
  const pulse = setInterval(endSilent, pulseMilliseconds).unref()
  const closeAll = async (): Promise<void> => {
    closing = true
    starts.abort()
    clearInterval(pulse)
    close()
    await Promise.all(serving().map(release))
  }

  const hired = await Promise.allSettled(orders.map((_, index) => fill(index)))
  const failed = hired.find((one) => one.status === 'rejected')
  const [first] = serving()
  if (failed !== undefined || first === undefined) {
    await closeAll()
    throw failed?.reason ?? new Error('the workers ended as soon as they had started')
  }

  return {
    ready: first.ready,
    size: () => serving().length,
    tell(order) {
      for (const one of serving()) one.tell(order)
    },
    collect: () => counts.collect(),
    async watch() {
      return (await Promise.all(serving().map((one) => one.ask('watch')))).flat()
    },
    async checkReady() {
      const all = serving()
      if (all.length === 0) throw new Error('no worker serves')
      const problems = await Promise.all(all.map((one) => one.ask('check')))
      const problem = problems.find((one) => one !== undefined)
      if (problem !== undefined) throw new Error(problem)
    },
    async replace(config) {
      const [head] = serving()
      if (head === undefined)
        throw new WorkerFailed('no worker serves that could try it: send SIGHUP once one does')
      const problem = await head.replace(config)
      if (problem !== undefined) throw new WorkerFailed(problem)
      orders = orders.map((order) => ({ ...order, config }))
      // Including those that began to serve in the meantime.
      const others = serving().filter((one) => one !== head)
      await Promise.all(
        others.map(async (one) => {
          const reason = await one.replace(config)
          if (reason === undefined) return
          log.warn({ pid: one.pid, reason }, `a worker cannot go on with the new configuration: ${reason}`)
          giveUp(one)
        }),
      )
    },
    async replaceAll() {
      for (const index of orders.keys()) {
        const before = places[index]
        // An empty place is already being filled.
        if (closing || before === undefined) continue
        try {
          await fill(index, before)
        } catch (error) {
          const reason = (error as Error).message
          log.warn(
            { worker: index, reason },
            `worker ${index} stays, for its successor cannot start: ${reason}`,
          )
          continue
        }
        if (closing) return
        await release(before)
        log.info({ worker: index }, `worker ${index} was replaced`)
      }
    },
    close: closeAll,
  }
}
