import type { WorkerPlace } from '../core/worker-place.ts'

/**
 * This process's share of what a server can bear: running requests are counted where they run, so workers
 * divide the limit among them. Each gets at least one.
 */
export function shareOf(most: number, place: WorkerPlace | undefined): number {
  return place === undefined ? most : Math.max(1, Math.floor(most / place.count))
}
