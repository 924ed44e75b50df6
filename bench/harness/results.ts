import type { Figure, Sample } from '../workloads/contract.ts'
import type { Machine } from './machine.ts'

/** How much of a CPU other processes may use before they disturb a sample. */
export const quiet = 0.15

/** How the samples of a run were taken. */
interface Run {
  readonly began: string
  readonly rounds: number
  readonly seconds: number
  readonly idleStreams: number
  /** Samples that other processes disturbed and that were repeated. */
  readonly discarded: number
}

/** The results of one stack under a workload. */
export interface Row {
  readonly stack: string
  readonly name: string
  readonly does: string
  /** Why there are no samples. */
  readonly lacks?: string
  readonly samples: readonly Sample[]
}

/** All results of a workload. */
export interface WorkloadResult {
  readonly id: string
  readonly title: string
  readonly note?: string
  readonly unit: string
  readonly figures: readonly Figure[]
  readonly missing?: string
  readonly rows: readonly Row[]
}

/** A whole run, as it is written to the raw JSON. */
export interface Results {
  readonly machine: Machine
  readonly run: Run
  readonly workloads: readonly WorkloadResult[]
}

/** The median, or undefined if the list is empty. */
export function median(list: readonly number[]): number | undefined {
  const sorted = list.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle]
  return sorted.length % 2 === 1 || upper === undefined ? upper : ((sorted[middle - 1] as number) + upper) / 2
}

/**
 * All samples of a figure in a row. A row with wrong answers has none: wrong answers do not count as fast.
 */
export function valuesOf({ samples }: Row, figure: Figure): readonly number[] {
  if (errorsOf(samples) > 0) return []
  return samples.map(({ values }) => values[figure]).filter((value) => value !== undefined)
}

/** Wrong answers in all samples of a row. */
export function errorsOf(samples: readonly Sample[]): number {
  return samples.reduce((sum, { errors }) => sum + errors, 0)
}

/** The median of a figure, or undefined if it was not measured. */
export function medianOf(
  { workloads }: Results,
  workload: string,
  stack: string,
  figure: Figure,
): number | undefined {
  const row = workloads.find(({ id }) => id === workload)?.rows.find((one) => one.stack === stack)
  return row === undefined ? undefined : median(valuesOf(row, figure))
}
