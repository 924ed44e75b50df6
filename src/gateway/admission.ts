import type { ServerResponse } from 'node:http'
import { Refusal } from '../core/errors.ts'
import { isJsonObject } from '../core/json-object.ts'
import type { Principal } from '../core/principal.ts'
import type { OpenRateLimit, RateLimit } from '../limits/contract.ts'
import { type Call, type CallSummary, isEndless } from './call.ts'
import { principalName } from './sealed/owner.ts'
import type { Upstream } from './upstream.ts'

/**
 * Limits how many requests a caller can have running and how often it can call, so that no caller crowds
 * out the others.
 */
export interface Admission {
  /**
   * Takes a place until the answer is over, and counts the request. Throws, or rejects with,
   * `too_many_requests`.
   */
  enter(principal: Principal, upstream: Upstream, res: ServerResponse): Place | Promise<Place>
  /**
   * The same for what is known only after the call has been read: a place among streams, and how often a
   * tool is called.
   */
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

/** The places that a running request holds. */
export class Place {
  readonly #taken: Map<string, number>
  #names: readonly string[] = []
  /** What it held before it was last given back. */
  #given: readonly string[] = []

  constructor(taken: Map<string, number>) {
    this.#taken = taken
  }

  /** Takes one more until the answer is over. Throws `too_many_requests` if `most` are already taken. */
  take(name: string, most: number): void {
    const count = this.#taken.get(name) ?? 0
    if (count >= most) throw tooMany(`${count} are running: ${name}`, 1)
    this.#hold(name)
  }

  /** Gives everything back. */
  give(): void {
    for (const name of this.#names) {
      const left = (this.#taken.get(name) ?? 1) - 1
      if (left === 0) this.#taken.delete(name)
      else this.#taken.set(name, left)
    }
    this.#given = this.#names
    this.#names = []
  }

  /**
   * Keeps the places of a request that goes on without its client, so that disconnecting does not evade a
   * limit.
   */
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
    // Not `push`: it would reserve room for sixteen more, for as long as a stream is open.
    this.#names = this.#names.concat(name)
  }
}

/** How long an answer that nobody waits for can hold a place, if its server never ends it. */
const outlastMilliseconds = 5 * 60_000

/** Limits of the whole gateway. An undefined rate is unlimited. */
export interface AdmissionLimits {
  /** Concurrent requests of one caller, not counting those that hold a stream open. */
  readonly running: number
  /** Streams that one caller holds open. */
  readonly streams: number
  /** Requests of one caller per minute. */
  readonly perMinute?: number | undefined
  /** Requests of all users of one client per minute. */
  readonly perMinutePerClient?: number | undefined
}

/** Limits of one MCP server. */
export interface UpstreamLimits {
  readonly running: number
  readonly streams: number
  /** Requests of all callers per minute. */
  readonly perMinute?: number | undefined
  /** Calls of a tool per minute that one caller may make; `*` stands for each tool that is not named. */
  readonly toolsPerMinute: Readonly<Record<string, number>>
}

const minute = 60
const maxNameLength = 200

/** Counts running requests of this process in `taken`, and rates wherever `rateLimit` counts them. */
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

  /** Each call in a batch counts, so that batches do not evade the limit. */
  const countTools = async (
    { methods }: Call,
    principal: Principal,
    { name, limits: { toolsPerMinute } }: Upstream,
  ): Promise<void> => {
    for (const { row, params } of methods) {
      if (row.method !== 'tools/call') continue
      const tool = textOf(params['name']).slice(0, maxNameLength)
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
        // Waiting for changes costs little, and has places of its own.
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

/**
 * The text to which a server may convert a name that is not a string. The name is untrusted: an object may have
 * members that keep it from being converted.
 */
function textOf(name: unknown): string {
  const parts = [name].flat(Number.POSITIVE_INFINITY)
  return parts.map((part) => (isJsonObject(part) ? '' : String(part))).join()
}

function openPlace(taken: Map<string, number>, res: ServerResponse): Place {
  // The close event has already fired, so the place would never be given back.
  if (res.closed) throw new Refusal('request_aborted')
  const place = new Place(taken)
  res.on('close', () => place.give())
  return place
}

/** Built only once: a string that is new with each request would have to be hashed with each. */
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
