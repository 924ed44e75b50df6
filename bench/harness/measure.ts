import { execFileSync } from 'node:child_process'
import type { FreshWorkload, RunningWorkload, Sample, Workload } from '../workloads/contract.ts'
import { workloads as allWorkloads } from '../workloads/registry.ts'
import { type Gate, startGate } from './gate.ts'
import { describeMachine } from './machine.ts'
import type { Options } from './options.ts'
import { pinning } from './processes.ts'
import { createProgress, type Progress } from './progress.ts'
import { type Contest, createRecord, type Record } from './record.ts'
import type { Results } from './results.ts'
import { type Bench, openBench } from './setting.ts'

/** Other processes may keep so much of a CPU busy before a sample is taken anew. */
const quiet = 0.15

/** Takes all samples that the options ask for: round by round, and in each round stack by stack. */
export async function measure(options: Options): Promise<Results> {
  const machine = describeMachine()
  execFileSync('taskset', ['-a', '-p', '-c', pinning.load, String(process.pid)], { stdio: 'ignore' })
  const workloads = allWorkloads().filter(({ id }) => isAsked(options.only, id))
  const record = createRecord(workloads, options)
  const began = new Date().toISOString()
  const bench = await openBench()
  const session = { bench, options, record, progress: createProgress(record.expected) }
  try {
    for (const group of groupByKind(workloads)) await measureRunning(session, group)
    await measureFresh(
      session,
      workloads.filter((workload) => workload.needs === 'fresh process'),
    )
  } finally {
    session.progress.end()
    await bench.close()
  }
  const { rounds, seconds, idleStreams } = options
  const run = { began, rounds, seconds, idleStreams, discarded: record.discarded() }
  return { machine, run, workloads: record.results() }
}

interface Session {
  readonly bench: Bench
  readonly options: Options
  readonly record: Record
  readonly progress: Progress
}

/** Workloads whose gates are the same. */
function groupByKind(workloads: readonly Workload[]): readonly (readonly RunningWorkload[])[] {
  const running = workloads.filter((workload) => workload.needs === 'running gate')
  return [...Map.groupBy(running, ({ kind }) => `${kind.algorithm} ${kind.tls}`).values()]
}

async function measureRunning(session: Session, workloads: readonly RunningWorkload[]): Promise<void> {
  const { bench, options, record, progress } = session
  const contests = workloads.flatMap((workload) => record.contests(workload))
  const stacks = new Map(contests.map(({ stack }) => [stack.id, stack]))
  const [{ kind } = { kind: undefined }] = workloads
  if (kind === undefined || stacks.size === 0) return
  progress.say(`starting ${stacks.size} gates`)
  const gates = new Map<string, Gate>()
  try {
    for (const [id, stack] of stacks) {
      gates.set(id, await startGate(bench, stack, kind))
      gates.get(id)?.process.pause()
    }
    const warm = new Set<string>()
    const take = async ({ workload, stack }: Contest<RunningWorkload>, seconds: number): Promise<Sample> => {
      const gate = gates.get(stack.id) as Gate
      gate.process.resume()
      try {
        return await workload.sample(gate, { bench, seconds, idleStreams: options.idleStreams })
      } finally {
        gate.process.pause()
      }
    }
    for (const contest of contests) {
      const seconds = warm.has(contest.stack.id) ? options.warmUpAgain : options.warmUp
      if (seconds === 0) continue
      warm.add(contest.stack.id)
      progress.say(`warming up ${contest.stack.name}`)
      await take(contest, seconds)
    }
    await takeRounds(session, contests, (contest) => take(contest, options.seconds))
  } finally {
    for (const { process } of gates.values()) await process.end()
  }
}

async function measureFresh(session: Session, workloads: readonly FreshWorkload[]): Promise<void> {
  const { bench, options, record } = session
  const tools = { bench, seconds: options.seconds, idleStreams: options.idleStreams }
  const contests = workloads.flatMap((workload) => record.contests(workload))
  await takeRounds(session, contests, ({ workload, stack }) => workload.sample(stack, tools))
}

async function takeRounds<W extends Workload>(
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

/** What fails in one stack voids its row, and ends nothing else. */
function voidSample({ workload, stack }: Contest, error: unknown): Sample {
  console.error(`\n${workload.id}, ${stack.name}:`, error)
  return { values: {}, errors: 1, outside: 0 }
}

function isAsked(only: readonly string[], id: string): boolean {
  return only.length === 0 || only.some((start) => id.startsWith(start))
}
