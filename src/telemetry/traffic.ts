import { LRUCache } from 'lru-cache'
import type { Clock } from '../core/clock.ts'
import type { Outcome, RequestEvent } from './event.ts'

/** Seconds per point of a chart. */
export const slotSeconds = 5
/** The points of a chart: ten minutes. */
export const slotsShown = 120
const mostActivities = 1000
const mostDenials = 500
const mostFlows = 500
/** Events that may wait to be evaluated. */
const mostWaiting = 5000
/** The most requests that are remembered individually. */
export const recentKept = 50

/** Upper bounds of the classes in which durations are counted, in milliseconds; the last class has none. */
export const durationBounds = [0.5, 1, 2, 3, 5, 7.5, 10, 15, 25, 50, 100, 250, 500, 1000, 5000] as const

/** What ended in one time slot. */
export interface Slot {
  /** Seconds since the epoch. */
  readonly begins: number
  readonly outcomes: Record<Outcome, number>
  /** MCP requests by class of duration. */
  readonly durations: number[]
}

/** Who did what, through which client, where. */
export interface Activity {
  readonly subject: string
  readonly clientId: string
  readonly upstream: string
  readonly method: string
  count: number
  refused: number
  /** Milliseconds since the epoch. */
  lastAt: number
}

/** One way of being refused. */
export interface Denial {
  readonly code: string
  readonly reason: string
  readonly upstream: string
  readonly method: string
  /** The scopes that the token lacked. */
  readonly missing: readonly string[]
  count: number
  lastAt: number
  lastSubject: string
  lastClientId: string
}

/** How often a step of OAuth ended in one way; `code` is empty if it succeeded. */
export interface FlowStep {
  readonly step: string
  readonly grantType: string
  readonly code: string
  count: number
}

/** A request with the time at which it ended, in milliseconds since the epoch. */
export interface SeenRequest {
  readonly at: number
  readonly event: RequestEvent
}

/**
 * What one process has seen since it started; the slots are those of the last ten minutes, and the current
 * one.
 */
export interface TrafficRecord {
  readonly slots: readonly Slot[]
  readonly activities: readonly Activity[]
  readonly denials: readonly Denial[]
  readonly flows: readonly FlowStep[]
  /** The latest ones, in order. */
  readonly recent: readonly SeenRequest[]
}

/** What one process has seen for one tenant; without a name, for the installation itself. */
export interface TenantTraffic {
  readonly tenant?: string | undefined
  readonly traffic: TrafficRecord
}

/** Remembers what requests have done, for the dashboard. */
export interface Traffic {
  readonly request: (event: RequestEvent) => void
  readonly record: () => TrafficRecord
}

/**
 * Stores events unchanged and evaluates them when somebody asks, or when many are waiting, so that a request
 * only costs a place in a list. Memory is bounded, whatever names clients choose.
 */
export function watchTraffic(clock: Clock): Traffic {
  let waiting: SeenRequest[] = []
  const slots: Slot[] = []
  const activities = new LRUCache<string, Activity>({ max: mostActivities })
  const denials = new LRUCache<string, Denial>({ max: mostDenials })
  const flows = new LRUCache<string, FlowStep>({ max: mostFlows })
  let recent: SeenRequest[] = []

  const slotAt = (at: number): Slot => {
    const begins = slotOf(at)
    const newest = slots.at(-1)
    if (newest !== undefined && newest.begins >= begins) return newest
    const slot: Slot = {
      begins,
      outcomes: { allowed: 0, challenged: 0, denied: 0, failed: 0 },
      durations: [...durationBounds, 0].map(() => 0),
    }
    slots.push(slot)
    if (slots.length > slotsShown + 1) slots.shift()
    return slot
  }

  const note = (event: RequestEvent, at: number): void => {
    const slot = slotAt(at)
    slot.outcomes[event.outcome]++
    if (event.kind === 'oauth') return noteFlow(flows, event)
    if (event.kind !== 'mcp') return
    const bound = durationBounds.findIndex((most) => event.durationMs <= most)
    const index = bound === -1 ? durationBounds.length : bound
    slot.durations[index] = (slot.durations[index] ?? 0) + 1
    noteActivity(activities, event, at)
    if (event.outcome === 'denied' || event.outcome === 'challenged') noteDenial(denials, event, at)
  }

  const evaluate = (): void => {
    const batch = waiting
    waiting = []
    for (const { event, at } of batch) note(event, at)
    recent = [...recent, ...batch.slice(-recentKept)].slice(-recentKept)
  }

  return {
    request(event) {
      // What the gateway only passes on is recorded by whoever answers it.
      if (event.kind === 'proxy' && event.code === undefined) return
      if (waiting.push({ event, at: clock.now() }) >= mostWaiting) evaluate()
    },
    record() {
      evaluate()
      const oldest = slotOf(clock.now()) - slotsShown * slotSeconds
      return {
        slots: slots.filter(({ begins }) => begins >= oldest),
        activities: [...activities.values()],
        denials: [...denials.values()],
        flows: [...flows.values()],
        recent,
      }
    },
  }
}

/** The beginning of the slot of a time, in seconds since the epoch. */
export function slotOf(milliseconds: number): number {
  return Math.floor(milliseconds / 1000 / slotSeconds) * slotSeconds
}

/** Identifies what is counted as one activity, within and across processes. */
export function activityKey({
  subject,
  clientId,
  upstream,
  method,
}: Pick<Activity, 'subject' | 'clientId' | 'upstream' | 'method'>): string {
  return [subject, clientId, upstream, method].join('\0')
}

/** Identifies what is counted as one way of being refused. */
export function denialKey({
  code,
  upstream,
  method,
  missing,
}: Pick<Denial, 'code' | 'upstream' | 'method' | 'missing'>): string {
  return [code, upstream, method, ...missing].join('\0')
}

/** Identifies what is counted as one outcome of a step of OAuth. */
export function flowKey({ step, grantType, code }: Omit<FlowStep, 'count'>): string {
  return [step, grantType, code].join('\0')
}

function methodOf({ methods = [], unknownMethod, httpMethod }: RequestEvent): string {
  return methods.length > 1 ? 'batch' : (methods[0] ?? unknownMethod ?? httpMethod)
}

function noteActivity(activities: LRUCache<string, Activity>, event: RequestEvent, at: number): void {
  const { subject = '', clientId = '', upstream = '' } = event
  const method = methodOf(event)
  const key = activityKey({ subject, clientId, upstream, method })
  let activity = activities.get(key)
  if (activity === undefined) {
    activity = { subject, clientId, upstream, method, count: 0, refused: 0, lastAt: at }
    activities.set(key, activity)
  }
  activity.count++
  if (event.outcome !== 'allowed') activity.refused++
  activity.lastAt = at
}

function noteDenial(denials: LRUCache<string, Denial>, event: RequestEvent, at: number): void {
  const { code = '', reason = '', upstream = '', missing = [] } = event
  const method = methodOf(event)
  const key = denialKey({ code, upstream, method, missing })
  let denial = denials.get(key)
  if (denial === undefined) {
    denial = {
      code,
      reason,
      upstream,
      method,
      missing,
      count: 0,
      lastAt: at,
      lastSubject: '',
      lastClientId: '',
    }
    denials.set(key, denial)
  }
  denial.count++
  denial.lastAt = at
  denial.lastSubject = event.subject ?? ''
  denial.lastClientId = event.clientId ?? ''
}

function noteFlow(flows: LRUCache<string, FlowStep>, event: RequestEvent): void {
  const { step = 'page', grantType = '', outcome } = event
  if (step === 'page' || step === 'discovery' || step === 'keys') return
  const code = outcome === 'allowed' ? '' : (event.code ?? String(event.status))
  const key = flowKey({ step, grantType, code })
  const flow = flows.get(key)
  if (flow === undefined) flows.set(key, { step, grantType, code, count: 1 })
  else flow.count++
}
