import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import type { Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { setTimeout as pause } from 'node:timers/promises'
import { Refusal } from '../../core/errors.ts'
import { reasonOf } from '../../core/reason-of.ts'
import { signalTree, spawnTree } from './process-tree.ts'
import { startingHint } from './starting-hint.ts'

/** A running stdio server: lines in, lines out (MCP transports, "stdio"). */
export interface Child {
  /** Undefined if it could not be started. */
  readonly pid: number | undefined
  /**
   * Writes one message, which must not contain a line break. Throws `upstream_timeout` if the server does not
   * read.
   */
  write(line: string): void
  /**
   * Ends its input, which is how a server is asked to end (MCP lifecycle, "Shutdown"). If it goes on, it gets
   * SIGTERM after a second, and SIGKILL after three more. What it started, and has outlived it, gets the same
   * signals. Resolves when it is gone, with all of that.
   */
  stop(): Promise<void>
}

interface ChildOptions {
  readonly environment: Readonly<Record<string, string>>
  /** The program and its arguments, only from the configuration; no shell is involved. */
  readonly command: readonly string[]
  /** Called with each line, and with what is left of one that was begun when the process ended. */
  readonly onLine: (line: string, isWhole: boolean) => void
  readonly onStderr: (line: string) => void
  /** Called once, when the process is gone or could not be started. */
  readonly onExit: (reason: string) => void
}

const maxUnreadBytes = 16 * 1024 * 1024
const maxLineLength = 16 * 1024 * 1024
/** How long it may go on after the end of its input. */
const endMilliseconds = 1000
/** How long it may go on after SIGTERM. */
const graceMilliseconds = 3000
/** How long its last output may take to arrive when nobody of its group is left. */
const lastWordsMilliseconds = 1000
/** How often to look whether what a process started is gone as well, of which nobody tells. */
const lookMilliseconds = 50

/** Those that may be running. When this process ends before them, nobody else asks them to end. */
const running = new Set<ChildProcessWithoutNullStreams>()
process.on('exit', () => {
  for (const child of running) signalTree(child, 'SIGTERM')
})

/** Starts a server. Problems with the command, or with the machine, are reported through `onExit`. */
export function startChild(options: ChildOptions): Child {
  try {
    return watchChild(spawnPiped(options), options)
  } catch (error) {
    setImmediate(() => options.onExit(`could not be started: ${reasonOf(error)}${startingHint()}`))
    return { pid: undefined, write() {}, stop: async () => undefined }
  }
}

/** Throws if the system does not even try, or has no pipes left. */
function spawnPiped({ command, environment }: ChildOptions): ChildProcessWithoutNullStreams {
  const child = spawnTree(command as readonly [string, ...string[]], environment)
  if ((child.stdin as Writable | undefined) !== undefined) return child
  child.on('error', () => {}) // comes later, and says the same
  throw new Error('no file descriptors are left (raise the limit: ulimit -n, or LimitNOFILE of systemd)')
}

function watchChild(
  child: ChildProcessWithoutNullStreams,
  { onLine, onStderr, onExit }: ChildOptions,
): Child {
  const { promise: gone, resolve: leave } = Promise.withResolvers<string>()
  child.once('error', (error) => leave(`could not be started: ${error.message}${startingHint()}`))
  let fault: string | undefined
  // 'close' instead of 'exit', so that its last output is read before it counts as gone.
  child.once('close', (code, signal) => leave(fault ?? `ended with ${signal ?? `code ${code}`}`))
  void gone.then(onExit)
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => (stopping ??= stopChild(child, gone).finally(() => running.delete(child)))
  if (child.pid !== undefined) running.add(child)
  // A launcher may leave the real server behind, holding the pipes.
  child.once('exit', () => void stop())
  readLines(child.stdout, onLine, () => {
    fault = `printed a line of more than ${maxLineLength / 1024 / 1024} MB, and was stopped`
    signalTree(child, 'SIGKILL')
  })
  readLines(child.stderr, onStderr, () => {})
  child.stdin.on('error', () => {}) // the process is gone, which `onExit` reports
  return {
    pid: child.pid,
    write(line) {
      if (child.stdin.writableLength > maxUnreadBytes) {
        throw new Refusal('upstream_timeout', { reason: 'the stdio server does not read' })
      }
      child.stdin.write(`${line}\n`)
    },
    stop,
  }
}

/** Reads lines, the last of which may lack its end. Of one that is too long, nothing is passed on. */
function readLines(
  stream: NodeJS.ReadableStream,
  onLine: (line: string, isWhole: boolean) => void,
  onTooLong: () => void,
): void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  let isTooLong = false
  const take = (line: string, isWhole = true): void => {
    if (!isTooLong && line.trim() !== '') onLine(line, isWhole)
    isTooLong = false
  }
  stream.on('data', (chunk: Buffer) => {
    const text = decoder.write(chunk)
    // A long line arrives in many chunks; earlier ones are not searched again.
    if (text.includes('\n')) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) take(line)
    } else rest += text
    if (rest.length > maxLineLength) {
      rest = ''
      isTooLong = true
      onTooLong()
    }
  })
  // Also where somebody else holds the pipe, which then has no end.
  stream.once('close', () => take(rest + decoder.end(), false))
}

async function stopChild(child: ChildProcessWithoutNullStreams, gone: Promise<unknown>): Promise<void> {
  const drop = (): void => {
    for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.destroy()
  }
  child.stdin.end()
  let isTold = false
  const patience = endMilliseconds + graceMilliseconds
  const end = performance.now() + patience
  const terminate = setTimeout(() => (isTold = signalTree(child, 'SIGTERM')), endMilliseconds)
  const kill = setTimeout(() => signalTree(child, 'SIGKILL'), patience)
  // A daemon that it started, in another group, may hold the pipes forever.
  const leave = setTimeout(drop, patience + lastWordsMilliseconds)
  await gone
  for (const timer of [terminate, kill, leave]) clearTimeout(timer)
  // Processes that it started may have outlived it.
  let isLeft = signalTree(child, isTold ? 0 : 'SIGTERM')
  while (isLeft && performance.now() < end) {
    await pause(lookMilliseconds)
    isLeft = signalTree(child, 0)
  }
  signalTree(child, 'SIGKILL')
  drop()
}
