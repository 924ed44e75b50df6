import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/** A command line and its environment variables. */
export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Which CPUs a process may use, in the format of `taskset`. */
export const pinning = {
  gate: '0',
  load: availableParallelism() > 1 ? `1-${availableParallelism() - 1}` : '0',
  any: `0-${availableParallelism() - 1}`,
} as const

const running = new Set<ChildProcess>()
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')))
// Without a handler, a signal ends this process but none of the others.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    console.error(`\nended by ${signal}`)
    process.exit(130)
  })
}

/** A process of the benchmark. */
export interface Process {
  readonly pid: number
  /** Whether it is still running. */
  readonly alive: () => boolean
  /** Suspends it, and resumes it. */
  readonly pause: () => void
  readonly resume: () => void
  readonly end: () => Promise<void>
}

/**
 * Starts a process on some CPUs, with its standard output in a file; it ends with this process at the latest.
 */
export function startProcess(command: Command, cpus: string, logFile: string): Process {
  const output = openSync(logFile, 'a')
  const child = spawn('taskset', ['-c', cpus, command.program, ...command.args], {
    env: { ...process.env, NODE_ENV: 'production', NODE_NO_WARNINGS: '1', ...command.env },
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  running.add(child)
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  return {
    pid: child.pid as number,
    alive: () => child.exitCode === null && child.signalCode === null,
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    async end() {
      child.kill('SIGKILL')
      await exited
      running.delete(child)
    },
  }
}
