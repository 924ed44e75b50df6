import { execFileSync } from 'node:child_process'
import { startGate } from '../harness/gate.ts'
import { pinning } from '../harness/processes.ts'
import type { Stack } from '../stacks/contract.ts'
import { portcullis, portcullisProgram } from '../stacks/portcullis.ts'
import { calls, plain } from './calls.ts'
import type { FreshWorkload } from './contract.ts'

const stacks = [1, 2].map(withWorkers)
const load = calls({ id: 'workers', title: '', connections: 64, stacks })

/** How requests per second grow with the number of workers, on all CPUs. */
export function workers(): FreshWorkload {
  const help = execFileSync(process.execPath, [portcullisProgram, 'serve', '--help'], { encoding: 'utf8' })
  return {
    ...load,
    needs: 'fresh process',
    title: 'tools/call of 231 B, 64 connections, by workers',
    note: 'On all CPUs, which load and server share: with few CPUs this is no measure of scaling.',
    figures: ['rate', 'cpu', 'p50', 'p99'],
    missing: help.includes('--workers') ? undefined : '`serve` has no option --workers',
    async sample(stack, tools) {
      const gate = await startGate(tools.bench, stack, plain, pinning.any)
      try {
        await load.sample(gate, { ...tools, seconds: 1 })
        return await load.sample(gate, tools)
      } finally {
        await gate.process.end()
      }
    },
  }
}

function withWorkers(count: number): Stack {
  return {
    ...portcullis,
    id: `portcullis-workers-${count}`,
    name: `Portcullis, ${count} worker${count === 1 ? '' : 's'}`,
    prepare(setting, port) {
      const { args, ...command } = portcullis.prepare(setting, port)
      return { ...command, args: [...args, '--workers', String(count)] }
    },
  }
}
