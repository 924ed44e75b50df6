import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { type Dispatcher, Pool } from 'undici'
import { type Family, type Fault, faultsOf } from './faults.ts'
import { type Asked, type Came, judgeAnswer } from './judge-answer.ts'
import { type Era, type Lane, lanes } from './lanes.ts'
import { type Kind, writeRequest } from './messages.ts'
import type { Options } from './options.ts'
import { credentialsOf, type User } from './users.ts'

/** The outcomes of the requests so far. */
export interface RequestCounts {
  sent: number
  /** Those that could not be sent in time. */
  unsent: number
  answered: number
  lost: number
  doubled: number
  crossed: number
  /** Faults that were answered in a way that is not allowed. */
  unexpected: number
  /** Without a deliberate fault, by server and status. */
  readonly refused: Record<string, number>
  /** By fault, and by how it was answered. */
  readonly faults: Record<string, Record<string, number>>
  /** The first wrong answers. */
  readonly examples: object[]
}

/** Requests on a schedule, whether or not answers arrive. */
export interface Requests {
  readonly counts: RequestCounts
  /**
   * Microseconds from the time at which a request was due to the end of the answer, for answers without a
   * fault.
   */
  readonly latency: { readonly json: RecordableHistogram; readonly stream: RecordableHistogram }
  /** The same for JSON answers, by server. */
  readonly byLane: ReadonlyMap<string, RecordableHistogram>
  /** The same since the last progress line. */
  readonly recent: RecordableHistogram
  /** Sends no more, and resolves when all answers have arrived or timed out. */
  stop(): Promise<void>
}

const tickMilliseconds = 2
const latestMilliseconds = 1000
const leaveMilliseconds = 300
/**
 * No answer takes longer than this multiple of the time that the gateway waits for a server, allowing for its
 * timer.
 */
const patience = 1.6
const maxExamples = 20
/** The frequency of each kind of request. */
const mix: readonly Kind[] = ['echo', 'echo', 'echo', 'echo', 'list', 'read', 'read', 'progress']

/** Begins to send each server its share. */
export function startRequests(url: string, users: readonly User[], options: Options): Requests {
  const { rate } = options
  const patienceMilliseconds = options.responseSeconds * 1000 * patience
  const pool = new Pool(url, { headersTimeout: 0, bodyTimeout: 0, pipelining: 1 })
  const counts: RequestCounts = {
    sent: 0,
    unsent: 0,
    answered: 0,
    lost: 0,
    doubled: 0,
    crossed: 0,
    unexpected: 0,
    refused: {},
    faults: {},
    examples: [],
  }
  const latency = { json: createHistogram(), stream: createHistogram() }
  const recent = createHistogram()
  const byLane = new Map(lanes.map(({ name }) => [name, createHistogram()]))
  const pickLane = laneChooser(users)
  const running = new Set<Running>()
  const maxRunning = Math.max(200, rate * 2)
  const began = performance.now()
  let number = 0

  const settle = (request: Running, came: Came): void => {
    running.delete(request)
    const { asked, due, kind, lane } = request
    const { verdict, way } = judgeAnswer(asked, came)
    if (asked.fault !== undefined) add((counts.faults[asked.fault] ??= {}), way)
    if (verdict === 'answered') {
      counts.answered++
      const microseconds = Math.max(1, Math.round((performance.now() - due) * 1000))
      latency[kind === 'progress' ? 'stream' : 'json'].record(microseconds)
      if (kind !== 'progress') byLane.get(lane)?.record(microseconds)
      recent.record(microseconds)
      return
    }
    if (verdict === 'expected') return
    if (verdict === 'refused') add(counts.refused, `${lane} ${way}`)
    else counts[verdict]++
    if (counts.examples.length < maxExamples) {
      const { status, end, text } = came
      counts.examples.push({
        ...asked,
        kind,
        era: request.era,
        verdict,
        status,
        end,
        text: text.slice(0, 400),
      })
    }
  }

  const send = async (due: number): Promise<void> => {
    const { lane, own } = pickLane()
    const { family } = lane
    const user = pick(own)
    const fault = family === 'crash' || Math.random() < options.faults ? pick(faultNames[family]) : undefined
    const kind = fault === undefined ? pick(mix) : 'echo'
    const era = pick(lane.clients)
    const { headers, body } = writeRequest(user, ++number, { era, kind, fault })
    const asked = { user: user.name, number, family, fault }
    const request = new Running({ asked, due, kind, era, lane: lane.name }, settle)
    running.add(request)
    counts.sent++
    const credentials = await credentialsOf(user, 'POST')
    const path = new URL(user.url).pathname
    pool.dispatch({ path, method: 'POST', headers: [...credentials, ...headers], body }, request)
  }

  let scheduled = 0
  const ticker = setInterval(() => {
    const now = performance.now()
    for (const target = ((now - began) / 1000) * rate; scheduled < target; scheduled++) {
      const due = began + (scheduled / rate) * 1000
      if (now - due > latestMilliseconds || running.size >= maxRunning) counts.unsent++
      else void send(due)
    }
  }, tickMilliseconds)
  const sweep = (): void => {
    const now = performance.now()
    for (const request of running) {
      if (now - request.due > patienceMilliseconds) request.giveUp('no end')
      else if (request.asked.fault === 'leave' && now - request.due > leaveMilliseconds)
        request.giveUp('left')
    }
  }
  const sweeper = setInterval(sweep, 100)

  return {
    counts,
    latency,
    byLane,
    recent,
    async stop() {
      clearInterval(ticker)
      while (running.size > 0) await new Promise((resolve) => setTimeout(resolve, 50))
      clearInterval(sweeper)
      await pool.destroy()
    },
  }
}

const faultNames: Readonly<Record<Family, readonly Fault[]>> = {
  bytes: faultsOf('bytes'),
  http: faultsOf('http'),
  sse: faultsOf('sse'),
  stdio: faultsOf('stdio'),
  crash: faultsOf('crash'),
}

/** Chooses a server by its share, with its users. */
function laneChooser(users: readonly User[]): () => { lane: Lane; own: readonly User[] } {
  let end = 0
  const rows = lanes.map((lane) => {
    end += lane.requests
    return { lane, own: users.filter((user) => user.lane === lane), end }
  })
  return () => {
    const place = Math.random() * end
    return rows.find((row) => place < row.end) as (typeof rows)[number]
  }
}

interface Sent {
  readonly asked: Asked
  readonly era: Era
  readonly lane: string
  readonly due: number
  readonly kind: Kind
}

class Running implements Dispatcher.DispatchHandler {
  readonly asked: Sent['asked']
  readonly due: number
  readonly kind: Kind
  readonly era: Era
  readonly lane: string
  readonly #settle: (request: Running, came: Came) => void
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #chunks: Buffer[] = []
  #over = false

  constructor({ asked, due, kind, era, lane }: Sent, settle: (request: Running, came: Came) => void) {
    this.asked = asked
    this.due = due
    this.kind = kind
    this.era = era
    this.lane = lane
    this.#settle = settle
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    this.#end('whole')
  }

  onResponseError(): void {
    this.#end('cut')
  }

  giveUp(end: 'left' | 'no end'): void {
    this.#end(end)
    this.#controller?.abort(new Error(end))
  }

  #end(end: Came['end']): void {
    if (this.#over) return
    this.#over = true
    const text = this.#chunks.length === 1 ? String(this.#chunks[0]) : Buffer.concat(this.#chunks).toString()
    this.#settle(this, { status: this.#status, text, end })
  }
}

function add(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1
}

function pick<Value>(values: readonly Value[]): Value {
  return values[Math.floor(Math.random() * values.length)] as Value
}
