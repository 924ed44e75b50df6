import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Closing } from './close-after-tests.ts'
import type { Installation } from './installation.ts'

const program = join(import.meta.dirname, '../../bin/portcullis.js')

/** What a finished command printed. */
export interface Finished {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `portcullis` to its end. */
export async function portcullis(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Finished> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, ...args], {
      env: { ...process.env, ...env },
    })
    return { code: 0, stdout, stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, stdout, stderr }
  }
}

/** A `portcullis` that keeps running. */
export interface Started {
  readonly process: ChildProcess
  readonly output: () => string
  /** Resolves with the exit code. */
  readonly exit: Promise<number | null>
}

/**
 * Starts `portcullis` and waits until it says that it is ready, or prints `sign`; it ends with the test at
 * the latest. Throws its output if it ends before that.
 */
export async function startPortcullis(
  test: Closing,
  args: readonly string[],
  env: Record<string, string> = {},
  sign = 'Portcullis is ready',
): Promise<Started> {
  const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...env } })
  test.after(() => child.kill('SIGKILL'))
  let output = ''
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve))
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString()
      if (output.includes(sign)) resolve()
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    void exit.then((code) => reject(new Error(`portcullis ended with ${code}: ${output}`)))
  })
  return { process: child, output: () => output, exit }
}

/** The token that `portcullis token` prints for an installation. */
export async function readDevelopmentToken(
  { data, url }: Installation,
  args: readonly string[] = [],
): Promise<string> {
  const { code, stdout, stderr } = await portcullis(['token', '--data', data, '--public-url', url, ...args])
  if (code !== 0) throw new Error(stderr)
  return stdout.trim()
}
