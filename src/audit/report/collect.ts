import type { Outcome, RecordedEvent } from '../event.ts'

/** Who did what through which client on which server, counted. */
interface Activity {
  /** With the issuer, if it is not our own. */
  readonly subject: string
  readonly clientId: string
  readonly upstream: string
  /** The method and the object that it named. */
  readonly what: string
  readonly allowed: number
  readonly refused: number
  /** ISO 8601. */
  readonly last: string
}

/** What was refused or failed, and why, counted. */
interface Failure {
  readonly event: string
  readonly outcome: Outcome
  /** The code and the missing scopes; or the reason for the operator if it says more. */
  readonly why: string
  readonly count: number
  readonly last: string
}

/** What was decided in a period. */
export interface Decisions {
  readonly events: number
  readonly first: string | undefined
  readonly last: string | undefined
  readonly activities: readonly Activity[]
  readonly failures: readonly Failure[]
  readonly commands: readonly RecordedEvent[]
  /** How many more commands there were than are listed. */
  readonly moreCommands: number
  /** When a client was last admitted to a server for one of our subjects: ISO 8601, by `accessKey`. */
  readonly used: ReadonlyMap<string, string>
}

/** Who uses which server, by its name, through which client. */
interface Access {
  readonly subject: string
  readonly clientId: string
  readonly upstream: string
}

/** Counts events in any order: those of several machines do not come in the order of time. */
export interface Collector {
  add(event: RecordedEvent): void
  result(): Decisions
}

/** Identifies what a subject does through a client on a server. */
export function accessKey({ subject, clientId, upstream }: Access): string {
  return JSON.stringify([subject, clientId, upstream])
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/** Strangers can make up any number of names: beyond this many rows, the rest is counted in one. */
const mostRows = 10_000
const others = '(others)'

/**
 * Reasons may contain made-up text: this many are distinguished per kind of failure, and only this much of
 * each is shown.
 */
const mostReasons = 20
const longestReason = 200

/** Creates a collector with bounded memory. `ownIssuer` is the issuer whose subjects are shown without it. */
export function collectDecisions(ownIssuer: string): Collector {
  const activities = new Map<string, Mutable<Activity>>()
  const failures = new Map<string, Mutable<Failure>>()
  const reasons = new Map<string, Set<string>>()
  const used = new Map<string, string>()
  const commands: RecordedEvent[] = []
  let moreCommands = 0
  let events = 0
  let first: string | undefined
  let last: string | undefined

  const countCall = (event: RecordedEvent): void => {
    const { clientId, upstream = '', method = '', object, outcome, time, issuer = ownIssuer } = event
    if (event.subject === undefined || clientId === undefined || event.event !== 'mcp.call') return
    if (outcome === 'allowed' && issuer === ownIssuer) {
      const key = accessKey({ subject: event.subject, clientId, upstream })
      used.set(key, later(used.get(key), time))
    }
    const subject = issuer === ownIssuer ? event.subject : `${event.subject} at ${issuer}`
    const what = object === undefined ? method : `${method} ${object}`
    const fresh = { subject, clientId, upstream, what, allowed: 0, refused: 0, last: time }
    const key = JSON.stringify([subject, clientId, upstream, what])
    const row = rowOf(activities, key, fresh, {
      ...fresh,
      subject: others,
      clientId: '',
      upstream: '',
      what: '',
    })
    if (outcome === 'allowed') row.allowed++
    else row.refused++
    row.last = later(row.last, time)
  }
  const countFailure = (failed: RecordedEvent): void => {
    const { event, outcome, time } = failed
    if (outcome === undefined || outcome === 'allowed') return
    const kind = writeKind(failed)
    const reason = toldApart(reasons, JSON.stringify([event, outcome, kind]), writeReason(failed))
    const why = [kind, reason].filter(Boolean).join(': ')
    const fresh = { event, outcome, why, count: 0, last: time }
    const row = rowOf(failures, JSON.stringify([event, outcome, why]), fresh, { ...fresh, why: others })
    row.count++
    row.last = later(row.last, time)
  }

  return {
    add(event) {
      events++
      first = first === undefined || event.time < first ? event.time : first
      last = later(last, event.time)
      if (event.operator !== undefined) {
        if (commands.length < mostRows) commands.push(event)
        else moreCommands++
      }
      countCall(event)
      countFailure(event)
    },
    result: () => ({
      events,
      first,
      last,
      activities: [...activities.values()].toSorted((one, other) => other.allowed - one.allowed),
      failures: [...failures.values()].toSorted((one, other) => other.count - one.count),
      commands: commands.toSorted((one, other) => (one.time < other.time ? -1 : 1)),
      moreCommands,
      used,
    }),
  }
}

function writeKind({ code = '', missing = [] }: RecordedEvent): string {
  return [code, ...missing].join(' ').trim()
}

/** What was said besides the kind of failure; empty if that is nothing or only repeats it. */
function writeReason({ code, missing = [], reason = '' }: RecordedEvent): string {
  if (reason === code || missing.length > 0) return ''
  return reason.length > longestReason ? `${reason.slice(0, longestReason)}…` : reason
}

/** A reason among those of its kind, or the text that stands for all after the first ones. */
function toldApart(reasons: Map<string, Set<string>>, kind: string, reason: string): string {
  if (reason === '') return ''
  const known = reasons.get(kind) ?? new Set()
  if (!known.has(reason) && (known.size >= mostReasons || reasons.size > mostRows)) return others
  reasons.set(kind, known.add(reason))
  return reason
}

/** The later of two ISO 8601 times in UTC, which sort as texts. */
function later(one: string | undefined, other: string): string {
  return one === undefined || other > one ? other : one
}

function rowOf<Row>(rows: Map<string, Row>, key: string, fresh: Row, rest: Row): Row {
  const known = rows.get(key)
  if (known !== undefined) return known
  const isFull = rows.size >= mostRows
  const name = isFull ? others : key
  const row = rows.get(name) ?? (isFull ? rest : fresh)
  rows.set(name, row)
  return row
}
