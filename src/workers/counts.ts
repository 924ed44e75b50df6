import { keepCounts } from '../telemetry/join-metrics.ts'
import type { CollectedMetrics } from '../telemetry/metrics.ts'
import type { HiredWorker } from './hire.ts'

type Counting = Pick<HiredWorker, 'ask' | 'counted'>

/** What all workers have counted, including those that have ended: a sum never falls. */
export interface Counts {
  /** Includes a worker from now on. */
  add(worker: Counting): void
  /** Keeps what a worker that has ended had counted. */
  keep(worker: Counting): Promise<void>
  /** Asks those that have not ended, and adds what is kept of the others. */
  collect(): Promise<readonly CollectedMetrics[]>
}

/** Begins with no worker. */
export function createCounts(): Counts {
  /** Those whose counts are not yet among the kept ones. */
  const counting = new Set<Counting>()
  let kept: CollectedMetrics = []
  let keeping = Promise.resolve()
  return {
    add: (worker) => void counting.add(worker),
    keep(worker) {
      // One at a time, and each worker only once.
      keeping = keeping.then(async () => {
        if (!counting.has(worker)) return
        kept = await keepCounts([kept, worker.counted()])
        counting.delete(worker)
      })
      return keeping
    },
    async collect() {
      await Promise.all([...counting].map((worker) => worker.ask('collect')))
      // Only now, since what one that ended meanwhile had counted may be among the kept.
      return [kept, ...[...counting].map((worker) => worker.counted())]
    },
  }
}
