import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'

/**
 * Starts a program with pipes, so that `signalTree` reaches what it starts in turn. Throws if the system does
 * not even try, for example because an argument is too long.
 */
export function spawnTree(
  [program, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
): ChildProcessWithoutNullStreams {
  // A process group of its own, which Ctrl-C in the terminal does not reach. On Windows it would be a console
  // of its own, with a window.
  const detached = process.platform !== 'win32'
  return spawn(program, args, { stdio: 'pipe', env, shell: false, detached, windowsHide: true })
}

/**
 * Sends a signal to a process and to what it has started, and returns whether there was anybody; 0 only asks
 * that. Windows has neither signals nor process groups: there SIGTERM does nothing, SIGKILL is left to
 * `taskkill`, and nobody is known.
 */
export function signalTree(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL' | 0): boolean {
  const { pid } = child
  if (pid === undefined) return false
  if (process.platform === 'win32') {
    if (signal === 'SIGKILL') taskkill(child, pid)
    return false
  }
  try {
    return process.kill(-pid, signal)
  } catch {
    return false // nobody is left in the group, or nobody who may be signalled
  }
}

function taskkill(child: ChildProcess, pid: number): void {
  // When it is gone, its id may already be that of another process.
  if (child.exitCode !== null || child.signalCode !== null) return
  const options = { stdio: 'ignore', windowsHide: true } as const
  spawn('taskkill', ['/pid', String(pid), '/t', '/f'], options).on('error', () => child.kill())
}
