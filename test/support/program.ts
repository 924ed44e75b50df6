import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'

/** A program that serves tests; it ends with this process at the latest. */
export interface ServingProgram {
  readonly process: ChildProcess
  /** Ends it, and waits until it is gone. */
  stop(): Promise<void>
}

interface ProgramOptions extends Pick<SpawnOptions, 'cwd' | 'env' | 'uid' | 'gid'> {
  /** What people call it. */
  readonly name: string
  /** Tries to use it. Throws or rejects while it does not serve yet. */
  readonly attempt: () => unknown
  /** What ends it. Default: SIGKILL. */
  readonly signal?: NodeJS.Signals
}

const startMilliseconds = 30_000

/**
 * Starts a program and waits until it serves. Throws, with what it said, if it ends before that or takes
 * longer than half a minute.
 */
export async function startProgram(
  [program, ...args]: readonly [program: string, ...args: string[]],
  { name, attempt, signal = 'SIGKILL', ...options }: ProgramOptions,
): Promise<ServingProgram> {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const endWithTests = (): void => void child.kill(signal)
  process.once('exit', endWithTests)
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const stop = async (how = signal): Promise<void> => {
    child.kill(how)
    await exit
    process.removeListener('exit', endWithTests)
  }
  const end = performance.now() + startMilliseconds
  for (;;) {
    try {
      await attempt()
      return { process: child, stop: () => stop() }
    } catch (error) {
      const hasEnded = child.exitCode !== null || child.signalCode !== null
      if (hasEnded || performance.now() > end) {
        await stop('SIGKILL')
        throw new Error(`${name} did not start: ${said}`, { cause: error })
      }
    }
    await wait(50)
  }
}
