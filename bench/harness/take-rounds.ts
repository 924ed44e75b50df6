import type { Sample, Workload } from '../workloads/contract.ts'
import type { Bench } from './open-bench.ts'
import type { Options } from './options.ts'
import type { Progress } from './progress.ts'
import type { Contest, RunRecord } from './record.ts'
import { quiet } from './results.ts'

/** What a run works with. */
export interface Session {
  readonly bench: Bench
  readonly options: Options
  readonly record: RunRecord
  readonly progress: Progress
}

/** Takes one sample of each contest, then the next of each, and so on; disturbed samples are repeated. */
export async function takeRounds<W extends Workload>(
  { options, record, progress }: Session,
  contests: readonly Contest<W>[],
  take: (contest: Contest<W>) => Promise<Sample>,
): Promise<void> {
  for (let round = 1; round <= options.rounds; round++) {
    for (const contest of contests) {
      progress.step(`round ${round} of ${options.rounds}: ${contest.workload.id}, ${contest.stack.name}`)
      const taken: Sample[] = []
      do taken.push(await take(contest).catch((error: unknown) => voidSample(contest, error)))
      while (taken.length <= options.retries && (taken.at(-1)?.outside ?? 0) > quiet)
      record.keep(contest, taken)
    }
  }
}

/** A failure of one stack voids its row, and ends nothing else. */
function voidSample({ workload, stack }: Contest, error: unknown): Sample {
  console.error(`\n${workload.id}, ${stack.name}:`, error)
  return { values: {}, errors: 1, outside: 0 }
}
