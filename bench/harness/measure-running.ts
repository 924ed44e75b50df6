import type { Stack } from '../stacks/contract.ts'
import type { RunningWorkload, Sample } from '../workloads/contract.ts'
import { type Gate, startGate } from './gate.ts'
import type { Kind } from './open-bench.ts'
import type { Options } from './options.ts'
import type { Contest } from './record.ts'
import { type Session, takeRounds } from './take-rounds.ts'

type Take = (contest: Contest<RunningWorkload>, seconds: number) => Promise<Sample>

/** Measures workloads of one kind on gates that are started once; only the measured one runs at a time. */
export async function measureRunning(
  session: Session,
  kind: Kind,
  workloads: readonly RunningWorkload[],
): Promise<void> {
  const { bench, options, record, progress } = session
  const contests = workloads.flatMap((workload) => record.contests(workload))
  const stacks = new Map(contests.map(({ stack }) => [stack.id, stack]))
  const gates = new Map<string, Gate>()
  const take: Take = async ({ workload, stack }, seconds) => {
    const gate = gates.get(stack.id) as Gate
    gate.process.resume()
    try {
      return await workload.sample(gate, { bench, seconds, idleStreams: options.idleStreams })
    } finally {
      gate.process.pause()
    }
  }
  try {
    progress.say(`starting ${stacks.size} gates`)
    for (const [id, stack] of stacks) gates.set(id, await startPaused(session, stack, kind))
    await warmUp(session, contests, take)
    await takeRounds(session, contests, async (contest) => {
      if (options.leadIn > 0) await take(contest, options.leadIn)
      return take(contest, options.seconds)
    })
  } finally {
    for (const { process } of gates.values()) await process.end()
  }
}

async function startPaused({ bench }: Session, stack: Stack, kind: Kind): Promise<Gate> {
  const gate = await startGate(bench, stack, kind)
  gate.process.pause()
  return gate
}

/**
 * The subject of the measurement is the code that a compiler produces for hot functions, not the time to
 * produce it.
 */
async function warmUp(
  { options, progress }: Session,
  contests: readonly Contest<RunningWorkload>[],
  take: Take,
): Promise<void> {
  const warm = new Set<string>()
  for (const contest of contests) {
    const { id, name } = contest.stack
    if (warm.has(id)) continue
    warm.add(id)
    progress.say(`warming up ${name}`)
    await takeUntil(contest, take, options.warmUp)
  }
}

async function takeUntil(
  contest: Contest<RunningWorkload>,
  take: Take,
  { requests, seconds }: Options['warmUp'],
): Promise<void> {
  let [done, passed] = [0, 0]
  while (done < requests && passed < seconds) {
    const { values } = await take(contest, 1)
    done += values.rate ?? 0
    passed++
  }
}
