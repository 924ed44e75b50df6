import type { Gate } from '../harness/gate.ts'
import type { Bench, Kind } from '../harness/open-bench.ts'
import type { Stack } from '../stacks/contract.ts'

/**
 * What is measured. `cpu` in microseconds per unit, latencies in microseconds, `memory` in KiB per stream.
 */
export type Figure = 'cpu' | 'rate' | 'p50' | 'p99' | 'memory' | 'milliseconds'

/** One measurement of one stack. */
export interface Sample {
  readonly values: Readonly<Partial<Record<Figure, number>>>
  /** Wrong answers. */
  readonly errors: number
  /** CPUs that were kept busy meanwhile by processes outside the benchmark. */
  readonly outside: number
}

/** What a sampler works with. */
export interface Tools {
  readonly bench: Bench
  readonly seconds: number
  readonly idleStreams: number
}

interface Described {
  readonly id: string
  readonly title: string
  /** What the reader has to know about it. */
  readonly note?: string
  readonly stacks: readonly Stack[]
  readonly kind: Kind
  /** Bytes of a body. */
  readonly bytes: number
  /** The unit that is counted: CPU is given per unit. */
  readonly unit: 'request' | 'event' | 'stream' | 'start'
  /** The main one first. */
  readonly figures: readonly Figure[]
  /** Why it cannot be measured, if so. */
  readonly missing?: string | undefined
}

/** Load on gates that run all the time. */
export interface RunningWorkload extends Described {
  readonly needs: 'running gate'
  readonly sample: (gate: Gate, tools: Tools) => Promise<Sample>
}

/** A workload that starts a new process. */
export interface FreshWorkload extends Described {
  readonly needs: 'fresh process'
  readonly sample: (stack: Stack, tools: Tools) => Promise<Sample>
}

/** Something that all stacks have to do. */
export type Workload = RunningWorkload | FreshWorkload
