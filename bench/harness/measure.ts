import { execFileSync } from 'node:child_process'
import type { RunningWorkload, Workload } from '../workloads/contract.ts'
import { workloads as allWorkloads } from '../workloads/registry.ts'
import { describeMachine } from './machine.ts'
import { measureFresh } from './measure-fresh.ts'
import { measureRunning } from './measure-running.ts'
import { type Kind, openBench } from './open-bench.ts'
import type { Options } from './options.ts'
import { pinning } from './processes.ts'
import { createProgress } from './progress.ts'
import { createRecord } from './record.ts'
import type { Results } from './results.ts'

/** Takes all samples that the options request: round by round, and within each round stack by stack. */
export async function measure(options: Options): Promise<Results> {
  const machine = describeMachine()
  execFileSync('taskset', ['-a', '-p', '-c', pinning.load, String(process.pid)], { stdio: 'ignore' })
  const workloads = allWorkloads().filter(({ id }) => isAsked(options.only, id))
  const record = createRecord(workloads, options)
  const began = new Date().toISOString()
  const bench = await openBench()
  const session = { bench, options, record, progress: createProgress(record.expected) }
  try {
    for (const { kind, group } of groupByKind(workloads)) await measureRunning(session, kind, group)
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

interface Group {
  readonly kind: Kind
  readonly group: readonly RunningWorkload[]
}

/** Workloads whose gates are the same. */
function groupByKind(workloads: readonly Workload[]): readonly Group[] {
  const running = workloads.filter((workload) => workload.needs === 'running gate')
  const groups = Map.groupBy(running, ({ kind }) => `${kind.algorithm} ${kind.tls}`)
  return [...groups.values()].map((group) => ({ kind: (group[0] as RunningWorkload).kind, group }))
}

function isAsked(only: readonly string[], id: string): boolean {
  return only.length === 0 || only.some((start) => id.startsWith(start))
}
