import cluster, { type Worker } from 'node:cluster'
import type { Config } from '../config/schema.ts'
import type { CollectedMetrics } from '../telemetry/metrics.ts'
import { type Answers, createAnswers, type Question } from './answers.ts'
import { type Envelope, type Order, type Report, readReport } from './contract.ts'
import { WorkerFailed } from './failure.ts'

/** A serving worker. */
export interface HiredWorker {
  readonly pid: number
  readonly ready: Extract<Report, { kind: 'ready' }>
  /** Gives an order; a worker that has ended ignores it. */
  tell(order: Order): void
  /** Resolves with its answer; with its last one if it has ended, or takes too long. */
  ask<Q extends Question>(question: Q): Promise<Answers[Q]>
  /** What it had counted when it was last asked. */
  counted(): CollectedMetrics
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
  /** Resolves when it could not take a connection, for want of file descriptors: it gets no other. */
  readonly full: Promise<void>
  /** Ends it immediately. */
  kill(): void
  /** Resolves when it has ended, with how it ended. */
  readonly gone: Promise<string>
}

const answerMilliseconds = 2000
/** Issuers and identity providers may be asked for their metadata. */
const replaceMilliseconds = 60_000
/** The same, by many workers that start at once. */
const startMilliseconds = 120_000
const whatToCheck = 'check that the store, and the issuers and identity providers, answer this machine'

/**
 * Starts a worker. Resolves when it is serving. Rejects with WorkerFailed, or with what went wrong. If it takes
 * too long, or `closing` is aborted meanwhile, the worker is ended.
 */
export async function hire(
  order: Extract<Order, { kind: 'start' }>,
  closing: AbortSignal,
): Promise<HiredWorker> {
  const worker = cluster.fork()
  const kill = (): void => void worker.process.kill('SIGKILL')
  const tell = (next: Order): void => give(worker, next)
  // One that has ended cannot be told anything, which `gone` reports.
  worker.on('error', () => undefined)
  const answers = createAnswers()
  let unheard = 0
  let ended = false
  // Its channel may close after its end is known.
  const isThere = (): boolean => !ended && worker.isConnected()
  let replaced = (_problem: string | undefined): void => undefined
  let late: NodeJS.Timeout | undefined
  const { promise: full, resolve: isFull } = Promise.withResolvers<void>()
  // Node gives up a connection that did not arrive, and waits for ever for the worker to answer for it.
  worker.process.on('internalMessage', ({ cmd }: { readonly cmd?: unknown }) => {
    if (cmd === 'NODE_HANDLE_NACK') isFull()
  })
  const gone = new Promise<string>((resolve) => {
    worker.once('exit', (code, signal: string | null) => {
      ended = true
      answers.end()
      replaced('the worker ended')
      resolve(signal ?? `code ${code}`)
    })
  })
  const ready = await new Promise<HiredWorker['ready']>((resolve, reject) => {
    closing.addEventListener('abort', kill)
    late = setTimeout(() => {
      kill()
      const seconds = startMilliseconds / 1000
      reject(new WorkerFailed(`a worker was not ready after ${seconds} s and was ended: ${whatToCheck}`))
    }, startMilliseconds)
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
          return reject(report.fixable ? new WorkerFailed(report.message) : new Error(report.message))
        case 'replaced':
          return replaced(report.problem)
        case 'collected':
          return answers.put('collect', report.metrics)
        case 'watched':
          return answers.put('watch', report.traffic)
        case 'checked':
          return answers.put('check', report.problem)
        case 'alive':
        case undefined:
          return undefined
      }
    })
  }).finally(() => {
    closing.removeEventListener('abort', kill)
    clearTimeout(late)
  })
  return {
    pid: worker.process.pid ?? 0,
    ready,
    tell,
    async ask(question) {
      if (isThere()) {
        const answered = answers.next(question, answerMilliseconds)
        tell({ kind: question })
        await answered
      }
      return answers.get(question)
    },
    counted: () => answers.get('collect'),
    async replace(config) {
      if (!isThere()) return 'the worker ended'
      const { promise, resolve } = Promise.withResolvers<string | undefined>()
      replaced = resolve
      tell({ kind: 'replace', config })
      const timer = setTimeout(() => {
        // Nobody knows which configuration it uses, or will use.
        kill()
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
    full,
    kill,
    gone,
  }
}

function give(worker: Worker, order: Order): void {
  const envelope: Envelope<Order> = { portcullis: order }
  if (worker.isConnected()) worker.send(envelope, () => undefined)
}
