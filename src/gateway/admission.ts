import type { ServerResponse } from 'node:http'
import { Refusal } from '../core/errors.ts'
import type { Principal } from '../core/principal.ts'
import type { OpenRateLimit, RateLimit } from '../limits/contract.ts'
import type { Call, CallSummary } from './call.ts'
import { principalName } from './session.ts'
import type { Upstream } from './upstream.ts'

/** Bounds what callers can have running and how often they call, so that none crowds out the others. */
export interface Admission {
  /** Takes a place until the answer is over and counts the request. Throws, or rejects with, `too_many_requests`. */
  enter(principal: Principal, upstream: Upstream, res: ServerResponse): Place | Promise<Place>
  /** The same for what is only known once the call was read: a place among streams, and how often a tool is called. */
  admit(
    place: Place,
    call: Call,
    context: {
      readonly principal: Principal
      readonly upstream: Upstream
      readonly summary: CallSummary
    },
  ): Promise<void> | undefined
}

/** What a running request holds. */
export class Place {
  readonly #taken: Map<string, number>
  #names: readonly string[] = []
  /** What it held last. */
  #given: readonly string[] = []

  constructor(taken: Map<string, number>) {
    this.#taken = taken
  }

  /** Takes one more until the answer is over. Throws `too_many_requests` where `most` have one. */
  take(name: string, most: number): void {
    const count = this.#taken.get(name) ?? 0
    if (count >= most) throw tooMany(`${count} are running: ${name}`, 1)
    this.#hold(name)
  }

  /** Gives back all of it. */
  give(): void {
    for (const name of this.#names) {
      const left = (this.#taken.get(name) ?? 1) - 1
      if (left === 0) this.#taken.delete(name)
      else this.#taken.set(name, left)
    }
    this.#given = this.#names
    this.#names = []
  }

  /** Holds it on for a request that goes on without its client: leaving is no way round a limit. */
  outlast(over: Promise<void>): void {
    for (const name of this.#given) this.#hold(name)
    const give = (): void => {
      clearTimeout(timer)
      this.give()
    }
    const timer = setTimeout(give, outlastMilliseconds).unref()
    void over.then(give)
  }

  #hold(name: string): void {
    this.#taken.set(name, (this.#taken.get(name) ?? 0) + 1)
    // A list that something is pushed to has room for sixteen more, as long as a stream is open.
    this.#names = this.#names.concat(name)
  }
}

/** A server that never ends an answer which nobody waits for keeps nobody out for longer. */
const outlastMilliseconds = 5 * 60_000

/** Limits of the whole gateway. A rate that is undefined is none. */
export interface AdmissionLimits {
  /** Requests of one caller that run at a time, those that hold a stream open aside. */
  readonly running: number
  /** Streams that one caller holds open. */
  readonly streams: number
  /** Requests of one caller in a minute. */
  readonly perMinute?: number | undefined
  /** Requests of all users of one client in a minute. */
  readonly perMinutePerClient?: number | undefined
}

/** Limits of one MCP server. */
export interface UpstreamLimits {
  readonly running: number
  readonly streams: number
  /** Requests of all callers in a minute. */
  readonly perMinute?: number | undefined
  /** Calls of a tool that one caller may make in a minute; `*` is each tool that is not named. */
  readonly toolsPerMinute: Readonly<Record<string, number>>
}

const minute = 60
const maxNameLength = 200

/** Counts what runs in this process, in `taken`, and rates where `rateLimit` counts them. */
export function createAdmission(
  limits: AdmissionLimits,
  rateLimit: OpenRateLimit,
  taken = new Map<string, number>(),
): Admission {
  const open = (name: string, points: number): RateLimit => rateLimit({ name, points, seconds: minute })
  const callers = limits.perMinute && open('calls-of-caller', limits.perMinute)
  const clients = limits.perMinutePerClient && open('calls-of-client', limits.perMinutePerClient)
  const isLimited = limits.perMinute !== undefined || limits.perMinutePerClient !== undefined

  const count = async (principal: Principal, { name, limits: { perMinute } }: Upstream): Promise<void> => {
    if (callers) await take(callers, principalName(principal), 'requests of this caller in a minute')
    if (clients) await take(clients, principal.clientId, 'requests of this client in a minute')
    if (perMinute !== undefined)
      await take(open('calls-of-server', perMinute), name, 'requests for this server in a minute')
  }

  /** Each call of a batch counts: a batch is no way round. */
  const countTools = async (
    { methods }: Call,
    principal: Principal,
    { name, limits: { toolsPerMinute } }: Upstream,
  ): Promise<void> => {
    for (const { row, params } of methods) {
      if (row.method !== 'tools/call') continue
      // What is no text may be taken for one by the server.
      const tool = String(params['name']).slice(0, maxNameLength)
      const points = Object.hasOwn(toolsPerMinute, tool) ? toolsPerMinute[tool] : toolsPerMinute['*']
      if (points === undefined) continue
      const key = `${name} ${tool} ${principalName(principal)}`
      await take(open('calls-of-tool', points), key, 'calls of this tool in a minute')
    }
  }

  return {
    enter(principal, upstream, res) {
      const place = openPlace(taken, res)
      place.take(nameOf('caller', principal), limits.running)
      place.take(nameOf('server', upstream), upstream.limits.running)
      if (!isLimited && upstream.limits.perMinute === undefined) return place
      return count(principal, upstream).then(() => place)
    },
    admit(place, call, { principal, upstream, summary }) {
      if (isEndless(summary)) {
        // What waits for changes costs little, and has places of its own.
        place.give()
        place.take(`streams of ${principalName(principal)}`, limits.streams)
        place.take(`streams from ${upstream.name}`, upstream.limits.streams)
        return undefined
      }
      const limitsTools = Object.keys(upstream.limits.toolsPerMinute).length > 0
      return limitsTools ? countTools(call, principal, upstream) : undefined
    },
  }
}

/** Streams that a client holds open to hear of changes; they end when somebody ends them. */
export function isEndless({ verb, methods }: CallSummary): boolean {
  return verb === 'GET' || methods.includes('subscriptions/listen')
}

function openPlace(taken: Map<string, number>, res: ServerResponse): Place {
  // Nobody would ever be told that it is over.
  if (res.closed) throw new Refusal('request_aborted')
  const place = new Place(taken)
  res.on('close', () => place.give())
  return place
}

/** Put together once: a text that is new with each request is hashed with each. */
const names = new WeakMap<Principal | Upstream, string>()

function nameOf(kind: 'caller' | 'server', whose: Principal | Upstream): string {
  let name = names.get(whose)
  if (name === undefined) {
    name = `${kind} ${'name' in whose ? whose.name : principalName(whose)}`
    names.set(whose, name)
  }
  return name
}

async function take(limit: RateLimit, key: string, what: string): Promise<void> {
  const wait = await limit.take(key)
  if (wait > 0) throw tooMany(`too many ${what}`, wait)
}

function tooMany(reason: string, retryAfterSeconds: number): Refusal {
  return new Refusal('too_many_requests', { reason, retryAfterSeconds })
}
