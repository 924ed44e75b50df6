import { cpuMicroseconds, machineMicroseconds, ownMicroseconds } from '../process-usage.ts'
import type { Gate } from './gate.ts'
import type { Bench } from './open-bench.ts'

/** What was used between two moments. */
export interface Used {
  /** CPU of the gate and its children, in microseconds. */
  readonly gate: number
  /** CPUs that were kept busy by processes outside the benchmark. */
  readonly outside: number
}

/** Begins to measure; the returned function ends the measurement. */
export function watchCpu(bench: Bench, gate: Gate): () => Used {
  const read = () => ({
    at: performance.now() * 1000,
    gate: cpuMicroseconds(gate.process.pid),
    machine: machineMicroseconds(),
    own: cpuMicroseconds(bench.upstream.pid) + ownMicroseconds(),
  })
  const before = read()
  return () => {
    const after = read()
    const gateCpu = after.gate - before.gate
    const outside = after.machine - before.machine - gateCpu - (after.own - before.own)
    return { gate: gateCpu, outside: Math.max(0, outside / (after.at - before.at)) }
  }
}
