import type { FreshWorkload } from '../workloads/contract.ts'
import { type Session, takeRounds } from './take-rounds.ts'

/** Measures workloads that each start a new process. */
export async function measureFresh(session: Session, workloads: readonly FreshWorkload[]): Promise<void> {
  const { bench, options, record } = session
  const tools = { bench, seconds: options.seconds, idleStreams: options.idleStreams }
  const contests = workloads.flatMap((workload) => record.contests(workload))
  await takeRounds(session, contests, ({ workload, stack }) => workload.sample(stack, tools))
}
