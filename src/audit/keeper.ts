import type { Clock } from '../core/clock.ts'
import { unwritable } from './audit-unusable.ts'
import { deliveryTo } from './delivery.ts'
import { dayMilliseconds } from './files.ts'
import { leaseOn } from './lease.ts'
import { pruneTrail } from './prune.ts'
import { type Shipper, shipTo } from './ship.ts'
import type { TrailKeys } from './signature.ts'
import type { Sink } from './sinks/contract.ts'
import type { Trail, TrailOptions } from './trail.ts'

/**
 * Does for a folder what only one process has to do: delivers events to the sinks, and removes those that are
 * too old.
 */
export interface Keeper {
  /** How many bytes are waiting for each sink. */
  waiting(): ReadonlyMap<string, number>
  /**
   * Ends the trail, once all that was pruned is recorded, and delivers what is left to the sinks, for five seconds
   * at most. Anything still left is delivered after the next start. Throws as the trail does.
   */
  close(): Promise<void>
}

interface KeeperOptions extends Pick<TrailOptions, 'folder' | 'signer'> {
  readonly trail: Trail
  readonly sinks: readonly Sink[]
  /** Undefined to keep everything. */
  readonly keepDays: number | undefined
  readonly keys: () => Promise<TrailKeys>
  readonly clock: Clock
  readonly onFault: (error: unknown) => void
  readonly onSink: (sink: string, failure: unknown) => void
}

const renewMilliseconds = 2000
const pruneMilliseconds = 3600 * 1000
const closeMilliseconds = 5000

/**
 * Starts to maintain a folder, together with the processes that already do: only one of them works at a time.
 * Throws AuditUnusable if it cannot be written.
 */
export function keepTrail(options: KeeperOptions): Keeper {
  const { folder, trail, sinks, clock, onFault, onSink } = options
  const lease = leaseOn(folder, clock)
  let holds: boolean
  try {
    holds = lease.renew()
  } catch (error) {
    throw unwritable(folder, error)
  }
  /** Whether it was told that this cannot be found out. */
  let isUnknown = false
  let closing = false
  let prunedAt = Number.NEGATIVE_INFINITY
  let pruning: Promise<void> = Promise.resolve()
  const shippers: Shipper[] = sinks.map((sink) =>
    shipTo({ sink, delivery: deliveryTo(sink, folder), mayShip: () => holds, onChange: onSink }),
  )
  const wakeAll = (): void => {
    for (const shipper of shippers) shipper.wake()
  }
  trail.subscribe(wakeAll)

  const prune = async (): Promise<void> => {
    const { keepDays } = options
    if (keepDays === undefined || !holds || clock.now() - prunedAt < pruneMilliseconds) return
    prunedAt = clock.now()
    const removed = pruneTrail({
      folder,
      before: clock.now() - keepDays * dayMilliseconds,
      keys: await options.keys(),
      signer: options.signer(),
      now: clock.now(),
      isDelivered: (name) => shippers.every(({ delivery }) => delivery.hasAll(name)),
    })
    for await (const target of removed) {
      trail.commit({ event: 'admin.audit', outcome: 'allowed', action: 'prune', target })
      if (closing) break
    }
  }
  const renew = (): void => {
    try {
      holds = lease.renew()
      isUnknown = false
    } catch (error) {
      holds = false
      if (!isUnknown)
        onFault(
          new Error('this process can neither deliver the audit to its sinks nor prune it', { cause: error }),
        )
      isUnknown = true
    }
  }
  const tend = (): void => {
    renew()
    pruning = pruning.then(prune).catch(onFault)
  }
  pruning = prune().catch(onFault)
  const timer = setInterval(tend, renewMilliseconds).unref()

  return {
    waiting: () => new Map(shippers.map(({ sink, delivery }) => [sink.name, delivery.waitingBytes])),
    async close() {
      clearInterval(timer)
      closing = true
      await pruning
      try {
        await trail.close()
      } finally {
        renew() // the process that delivered until now may have ended before this one
        await Promise.all(shippers.map((shipper) => shipper.stop(closeMilliseconds)))
        lease.release()
      }
    },
  }
}
