import type { Stack } from '../stacks/contract.ts'
import type { Sample, Workload } from '../workloads/contract.ts'
import type { Options } from './options.ts'
import type { Row, WorkloadResult } from './results.ts'

/** One stack under one workload. */
export interface Contest<W extends Workload = Workload> {
  readonly workload: W
  readonly stack: Stack
}

/** What has been measured so far. */
export interface RunRecord {
  /** How many samples there will be. */
  readonly expected: number
  /** The stacks that take part in a workload. */
  readonly contests: <W extends Workload>(workload: W) => Contest<W>[]
  /** Keeps the quietest of several samples, whatever their results. */
  readonly keep: (contest: Contest, taken: readonly Sample[]) => void
  readonly discarded: () => number
  readonly results: () => WorkloadResult[]
}

/** Begins the record of a run. */
export function createRecord(
  workloads: readonly Workload[],
  { stacks: asked, rounds }: Pick<Options, 'stacks' | 'rounds'>,
): RunRecord {
  const kept = new Map<string, Sample[]>()
  let discarded = 0
  const keyOf = ({ workload, stack }: Contest): string => `${workload.id} ${stack.id}`
  const stacksOf = ({ stacks }: Workload): readonly Stack[] =>
    stacks.filter(({ id }) => asked.length === 0 || asked.includes(id))
  const contests = <W extends Workload>(workload: W): Contest<W>[] =>
    workload.missing === undefined
      ? stacksOf(workload)
          .filter((stack) => lack(workload, stack) === undefined)
          .map((stack) => ({ workload, stack }))
      : []

  const rowOf = (workload: Workload, stack: Stack): Row => {
    const lacks = lack(workload, stack)
    const { id, name, does } = stack
    const samples = kept.get(keyOf({ workload, stack })) ?? []
    return { stack: id, name, does, ...(lacks === undefined ? {} : { lacks }), samples }
  }

  return {
    expected: workloads.reduce((sum, workload) => sum + contests(workload).length, 0) * rounds,
    contests,
    keep(contest, taken) {
      const [quietest] = taken.toSorted((a, b) => a.outside - b.outside)
      if (quietest === undefined) return
      discarded += taken.length - 1
      kept.set(keyOf(contest), [...(kept.get(keyOf(contest)) ?? []), quietest])
    },
    discarded: () => discarded,
    results: () =>
      workloads.map((workload) => {
        const { id, title, note, unit, figures, missing } = workload
        return {
          id,
          title,
          ...(note === undefined ? {} : { note }),
          unit,
          figures,
          ...(missing === undefined ? {} : { missing }),
          rows: missing === undefined ? stacksOf(workload).map((stack) => rowOf(workload, stack)) : [],
        }
      }),
  }
}

function lack({ kind, bytes }: Workload, { lacks }: Stack): string | undefined {
  return lacks?.({ algorithm: kind.algorithm, bytes })
}
