import cluster, { type Worker } from 'node:cluster'
import type { Config } from '../config/schema.ts'
import { type Envelope, type Order, type Report, readReport } from './contract.ts'
import { WorkerFailed } from './failure.ts'

/** A serving worker. */
export interface Hired {
  readonly pid: number
  readonly ready: Extract<Report, { kind: 'ready' }>
  /** What it had counted when it was last asked. */
  readonly counted: () => Extract<Report, { kind: 'collected' }>['metrics']
  /** Gives an order; a worker that has ended ignores it. */
  tell(order: Order): void
  /** What it had seen when it was last asked; undefined before that. */
  readonly seen: () => Extract<Report, { kind: 'watched' }>['traffic'] | undefined
  /** What prevented serving when it was last asked. */
  readonly problem: () => string | undefined
  /**
   * Asks what it has counted or seen, or whether it can serve. Resolves when it has answered, has ended, or
   * takes too long.
   */
  ask(kind: 'collect' | 'watch' | 'check'): Promise<void>
  /**
   * Switches it to another configuration. Resolves with what prevented that; a worker that never answers is
   * ended.
   */
  replace(config: Config): Promise<string | undefined>
  /**
   * Asks for a sign of life. Returns how many times in a row it has now been asked without anything being
   * heard from it.
   */
  pulse(): number
  /** Ends it immediately. */
  kill(): void
  /** Resolves when it has ended, with how it ended. */
  readonly gone: Promise<string>
}

const answerMilliseconds = 2000
/** Issuers and identity providers may be asked for their metadata. */
const replaceMilliseconds = 60_000

/** Starts a worker. Resolves when it is serving. Rejects with WorkerFailed, or with what went wrong. */
export async function hire(order: Extract<Order, { kind: 'start' }>): Promise<Hired> {
  const worker = cluster.fork()
  const tell = (next: Order): void => give(worker, next)
  // One that has ended cannot be told anything, which `gone` reports.
  worker.on('error', () => undefined)
  let counted: ReturnType<Hired['counted']> = []
  let seen: ReturnType<Hired['seen']>
  let problem: string | undefined
  let unheard = 0
  let replaced = (_problem: string | undefined): void => undefined
  const waiting = {
    collect: new Set<() => void>(),
    watch: new Set<() => void>(),
    check: new Set<() => void>(),
  }
  const answered = (kind: keyof typeof waiting): void => {
    for (const resolve of waiting[kind]) resolve()
    waiting[kind].clear()
  }
  const gone = new Promise<string>((resolve) => {
    worker.once('exit', (code, signal: string | null) => {
      answered('collect')
      answered('watch')
      answered('check')
      replaced('the worker ended')
      resolve(signal ?? `code ${code}`)
    })
  })
  const ready = await new Promise<Hired['ready']>((resolve, reject) => {
    void gone.then((how) => reject(new Error(`a worker ended with ${how} before it was ready`)))
    // One that never started never ends.
    worker.once('error', (error: Error) =>
      reject(new WorkerFailed(`a worker cannot be started: ${error.message}`)),
    )
    worker.on('message', (message: unknown) => {
      unheard = 0
      const report = readReport(message)
      switch (report?.kind) {
        case 'up':
          return tell(order)
        case 'ready':
          return resolve(report)
        case 'failed':
          return reject(report.mendable ? new WorkerFailed(report.message) : new Error(report.message))
        case 'replaced':
          return replaced(report.problem)
        case 'collected':
          counted = report.metrics
          return answered('collect')
        case 'watched':
          seen = report.traffic
          return answered('watch')
        case 'checked':
          problem = report.problem
          return answered('check')
        case 'alive':
        case undefined:
          return undefined
      }
    })
  })
  return {
    pid: worker.process.pid ?? 0,
    ready,
    counted: () => counted,
    seen: () => seen,
    problem: () => problem,
    tell,
    async ask(kind) {
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting[kind].add(resolve)
      tell({ kind })
      const timer = setTimeout(resolve, answerMilliseconds)
      if (worker.isConnected()) await promise
      clearTimeout(timer)
      waiting[kind].delete(resolve)
    },
    async replace(config) {
      if (!worker.isConnected()) return 'the worker ended'
      const { promise, resolve } = Promise.withResolvers<string | undefined>()
      replaced = resolve
      tell({ kind: 'replace', config })
      const timer = setTimeout(() => {
        // Nobody knows which configuration it uses, or will use.
        worker.process.kill('SIGKILL')
        resolve('the worker does not answer')
      }, replaceMilliseconds)
      const answer = await promise
      clearTimeout(timer)
      return answer
    },
    pulse() {
      tell({ kind: 'pulse' })
      return ++unheard
    },
    kill: () => worker.process.kill('SIGKILL'),
    gone,
  }
}

function give(worker: Worker, order: Order): void {
  const envelope: Envelope<Order> = { portcullis: order }
  if (worker.isConnected()) worker.send(envelope, () => undefined)
}
