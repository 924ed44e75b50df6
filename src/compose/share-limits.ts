import type { WorkerPlace } from '../core/worker-place.ts'

/**
 * The share that this process has in what a server can bear: what runs is counted where it runs, so workers divide it
 * among them. Everybody has a share of one at least.
 */
export function shareOf(most: number, place: WorkerPlace | undefined): number {
  return place === undefined ? most : Math.max(1, Math.floor(most / place.count))
}
