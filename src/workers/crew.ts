import type { Config } from '../config/schema.ts'
import { keepCounts } from '../telemetry/join-metrics.ts'
import type { CollectedMetrics } from '../telemetry/metrics.ts'
import type { TenantTraffic } from '../telemetry/traffic.ts'
import type { Order } from './contract.ts'
import { WorkerFailed } from './failure.ts'
import { type Hired, hire } from './hire.ts'

/** The workers of an installation. */
export interface Crew {
  readonly ready: Hired['ready']
  /** How many serve. */
  readonly size: () => number
  tell(order: Order): void
  /** What all of them have counted, and those who are gone. */
  collect(): Promise<readonly CollectedMetrics[]>
  /** What those who serve have seen. */
  watch(): Promise<readonly TenantTraffic[]>
  /** Throws with the reason where none serves, or one that does cannot answer as it should. */
  checkReady(): Promise<void>
  /**
   * Has all of them go on with another configuration, and those who come later begin with it. Rejects with WorkerFailed
   * where the first one cannot, and then nobody does; another one that cannot gives way to one that begins with it.
   */
  replace(config: Config): Promise<void>
  /** Replaces all of them, one after another, so that some serve at any time. */
  replaceAll(): Promise<void>
  /** Lets all of them finish. Resolves when they are gone. */
  close(): Promise<void>
}

type StartOrder = Extract<Order, { kind: 'start' }>

interface CrewOptions {
  /** The order with which the worker of each place begins. */
  readonly orders: readonly StartOrder[]
  readonly log: Record<'info' | 'warn', (facts: object, message: string) => void>
  /** Told when one has ended unasked. */
  readonly onLost: () => void
}

const firstPause = 1000
const longestPause = 60_000
/** A worker that served this long had no failed start. */
const healthyMilliseconds = 60_000
/** Longer than a worker takes to finish what runs. */
const drainMilliseconds = 15_000
const pulseMilliseconds = 5000
/** Of half a minute in which its event loop does not turn once, a worker does not come back. */
const mostUnheard = 6

/** The second loss in a row is followed by a pause of a second, and each further one by one of twice the last. */
export function pauseAfterLosses(losses: number): number {
  return losses < 2 ? 0 : Math.min(firstPause * 2 ** (losses - 2), longestPause)
}

/** Starts the workers, and replaces each that ends. Rejects, with none left, where one cannot start at first. */
export async function startCrew(options: CrewOptions): Promise<Crew> {
  const { log, onLost } = options
  let orders = options.orders
  const places: (Hired | undefined)[] = orders.map(() => undefined)
  const losses: number[] = []
  /** Whoever has counted something that is not among what the departed have. */
  const counting = new Set<Hired>()
  let departed: CollectedMetrics = []
  let remembering = Promise.resolve()
  let closing = false
  const { promise: closed, resolve: close } = Promise.withResolvers<void>()

  const serving = (): Hired[] => places.filter((hired) => hired !== undefined)
  /** One after another, and each once: a sum is of what all have counted at any time. */
  const remember = (hired: Hired): Promise<void> => {
    remembering = remembering.then(async () => {
      if (!counting.has(hired)) return
      departed = await keepCounts([departed, hired.counted()])
      counting.delete(hired)
    })
    return remembering
  }
  const release = async (hired: Hired): Promise<void> => {
    hired.tell({ kind: 'drain' })
    const timer = setTimeout(() => hired.kill(), drainMilliseconds)
    await hired.gone
    clearTimeout(timer)
    await remember(hired)
  }

  const fillings = orders.map(() => Promise.resolve())
  /** Starts a worker for a place, unless another one than `before` has it by then. */
  const fill = (index: number, before?: Hired): Promise<void> => {
    const filling = (fillings[index] as Promise<void>).then(() => fillNow(index, before))
    // Two for one place would be one of whom nobody knows.
    fillings[index] = filling.catch(() => undefined)
    return filling
  }
  const fillNow = async (index: number, before: Hired | undefined): Promise<void> => {
    if (closing || (places[index] !== undefined && places[index] !== before)) return
    let order = orders[index] as StartOrder
    const hired = await hire(order)
    counting.add(hired)
    const began = performance.now()
    // Another configuration came while it started.
    while (order !== orders[index]) {
      order = orders[index] as StartOrder
      const problem = await hired.replace(order.config)
      if (problem === undefined) continue
      void release(hired)
      throw new WorkerFailed(problem)
    }
    // It became ready while the others were told to end.
    if (closing) return release(hired)
    places[index] = hired
    void hired.gone.then((how) => replaceLost(index, hired, { how, milliseconds: performance.now() - began }))
  }
  const replaceLost = async (
    index: number,
    hired: Hired,
    { how, milliseconds }: { readonly how: string; readonly milliseconds: number },
  ): Promise<void> => {
    // Otherwise it was meant to end, and its successor has the place.
    if (closing || places[index] !== hired) return
    places[index] = undefined
    onLost()
    log.warn({ worker: index, how }, `worker ${index} ended with ${how} and is replaced`)
    await remember(hired)
    losses[index] = milliseconds >= healthyMilliseconds ? 1 : (losses[index] ?? 0) + 1
    await refill(index)
  }
  const refill = async (index: number): Promise<void> => {
    const pause = pauseAfterLosses(losses[index] ?? 0)
    const { promise: over, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, pause)
    await Promise.race([closed, over])
    clearTimeout(timer)
    if (closing) return
    try {
      await fill(index)
    } catch (error) {
      const reason = (error as Error).message
      losses[index] = (losses[index] ?? 0) + 1
      log.warn({ worker: index, reason }, `worker ${index} cannot start, which is tried again: ${reason}`)
      await refill(index)
    }
  }
  /** What it goes by is what an operator no longer wants: it takes no more connections, whoever comes in its place. */
  const giveUp = (hired: Hired): void => {
    const index = places.indexOf(hired)
    // One that ended is being replaced already.
    if (closing || index === -1) return
    places[index] = undefined
    void release(hired)
    void refill(index)
  }
  /**
   * A worker that stands still keeps its connections, and the sessions whose owner it is, none of which is ever answered.
   * Rounds are counted, not seconds, so that nobody ends because all of the machine was asleep.
   */
  const endSilent = (): void => {
    for (const [index, one] of places.entries()) {
      if (one === undefined || one.pulse() <= mostUnheard) continue
      const seconds = (mostUnheard * pulseMilliseconds) / 1000
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
    async collect() {
      await Promise.all([...counting].map((one) => one.ask('collect')))
      return [departed, ...[...counting].map((one) => one.counted())]
    },
    async watch() {
      const all = serving()
      await Promise.all(all.map((one) => one.ask('watch')))
      return all.flatMap((one) => one.seen() ?? [])
    },
    async checkReady() {
      const all = serving()
      if (all.length === 0) throw new Error('no worker serves')
      await Promise.all(all.map((one) => one.ask('check')))
      for (const one of all) {
        const problem = one.problem()
        if (problem !== undefined) throw new Error(problem)
      }
    },
    async replace(config) {
      const [head] = serving()
      if (head === undefined)
        throw new WorkerFailed('no worker serves that could try it: send SIGHUP once one does')
      const problem = await head.replace(config)
      if (problem !== undefined) throw new WorkerFailed(problem)
      orders = orders.map((order) => ({ ...order, config }))
      // Those too that began to serve meanwhile.
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
        // A place that is empty is being filled already.
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
        await release(before)
        log.info({ worker: index }, `worker ${index} was replaced`)
      }
    },
    close: closeAll,
  }
}
