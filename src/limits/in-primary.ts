import { RateLimiterCluster, RateLimiterClusterMaster } from 'rate-limiter-flexible'
import { limiterOptions, type MakeLimiter } from './count.ts'

/** A limit must not delay a request for long. */
const timeoutMs = 500

/** Counts for workers, in their primary: call it there before any of them starts. */
export function countForWorkers(): void {
  // From now on, it listens to the messages of workers.
  void new RateLimiterClusterMaster()
}

/** Counts in the primary of this worker, together with all the others; fails where it does not answer. */
export const inPrimary: MakeLimiter = (bound) =>
  new RateLimiterCluster({ ...limiterOptions(bound), timeoutMs })
