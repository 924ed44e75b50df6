import type { Delivery } from './delivery.ts'
import type { Sink } from './sinks/contract.ts'

/** Delivers events from the files to one sink, for as long as it may. */
export interface Shipper {
  readonly sink: Sink
  readonly delivery: Delivery
  /** Checks at once whether there is something to deliver. */
  wake(): void
  /** Delivers what is left, for at most this long, and closes the sink. */
  stop(patienceMilliseconds: number): Promise<void>
}

interface ShipOptions {
  readonly sink: Sink
  readonly delivery: Delivery
  /** Whether this process is the one that delivers. */
  readonly mayShip: () => boolean
  /** Called when deliveries begin to fail, and when they succeed again. */
  readonly onChange: (sink: string, failure: unknown) => void
}

const idleMilliseconds = 1000
const longestPauseMilliseconds = 60_000

/**
 * Starts to deliver. A failed delivery is retried after 1, 2, 4 … 60 seconds, for ever: the events wait in
 * the files.
 */
export function shipTo({ sink, delivery, mayShip, onChange }: ShipOptions): Shipper {
  let failures = 0
  let running: Promise<boolean> | undefined
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  /** Nothing is delivered after this. */
  let end = Number.POSITIVE_INFINITY

  /** Delivers until nothing is left. Returns false if the sink failed. */
  const carry = async (): Promise<boolean> => {
    try {
      let isMore = true
      while (isMore && mayShip() && performance.now() < end) {
        isMore = await delivery.step()
        if (failures > 0) onChange(sink.name, undefined)
        failures = 0
      }
      return true
    } catch (error) {
      if (failures === 0) onChange(sink.name, error)
      failures++
      return false
    }
  }
  const run = (): void => {
    if (stopped || running !== undefined) return
    clearTimeout(timer)
    running = carry().finally(() => {
      running = undefined
      if (stopped) return
      const pause =
        failures === 0 ? idleMilliseconds : Math.min(1000 * 2 ** (failures - 1), longestPauseMilliseconds)
      timer = setTimeout(run, pause).unref()
    })
  }
  timer = setTimeout(run, 0).unref()

  return {
    sink,
    delivery,
    wake: () => {
      if (failures === 0) run()
    },
    async stop(patienceMilliseconds) {
      stopped = true
      end = performance.now() + patienceMilliseconds
      clearTimeout(timer)
      const { promise: over, resolve } = Promise.withResolvers<void>()
      timer = setTimeout(resolve, patienceMilliseconds)
      const last = async (): Promise<void> => {
        await running
        if (failures === 0) await carry()
      }
      // Nobody may ever accept or refuse what is being delivered.
      await Promise.race([last(), over])
      clearTimeout(timer)
      await sink.close()
    },
  }
}
