import { readdirSync, rmSync } from 'node:fs'
import { filePaths } from '../../src/audit/files.ts'
import { childrenOf, cpuMicroseconds, residentKiB } from '../process-usage.ts'
import type { Processes } from './processes.ts'

/** The gateway's process at one time. */
export interface Sample {
  readonly seconds: number
  readonly rssMegabytes: number
  readonly heapMegabytes: number
  readonly files: number
  readonly lagMilliseconds: number
  readonly handles: number
  /** Of stdio servers. */
  readonly processes: number
  /** Including those, of one CPU, since the last sample. */
  readonly cpuPercent: number
}

const mebibyte = 1_048_576

/**
 * Creates a function that looks at the gateway's process from outside and at its metrics. It throws if the
 * gateway has ended.
 */
export function createSampler({ gate, adminUrl, audit }: Processes): () => Promise<Sample> {
  const pid = gate.pid as number
  const began = performance.now()
  let cpuBefore = cpuMicroseconds(pid)
  let before = began
  return async () => {
    if (gate.exitCode !== null || gate.signalCode !== null)
      throw new Error(`the gate ended with ${gate.exitCode ?? gate.signalCode}`)
    const response = await fetch(`${adminUrl}/metrics`)
    const metrics = await response.text()
    const [now, cpu] = [performance.now(), cpuMicroseconds(pid)]
    const sample = {
      seconds: Math.round((now - began) / 100) / 10,
      rssMegabytes: residentKiB(pid) / 1024,
      heapMegabytes: metric(metrics, 'nodejs_heap_size_used_bytes') / mebibyte,
      files: readdirSync(`/proc/${pid}/fd`).length,
      lagMilliseconds: metric(metrics, 'nodejs_eventloop_lag_p99_seconds') * 1000,
      handles: metric(metrics, 'nodejs_active_handles_total'),
      processes: childrenOf(pid).length,
      cpuPercent: (cpu - cpuBefore) / ((now - before) * 10),
    }
    ;[before, cpuBefore] = [now, cpu]
    removeOld(audit)
    return sample
  }
}

function metric(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN)
}

/** Nobody needs the older ones: the gateway appends to the latest file. */
function removeOld(folder: string): void {
  for (const path of filePaths(folder).slice(0, -1)) rmSync(path)
}
