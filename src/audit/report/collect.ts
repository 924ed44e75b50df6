import type { Outcome, RecordedEvent } from '../event.ts'

/** Who did what through which client on which server, counted. */
interface Activity {
  readonly subject: string
  readonly clientId: string
  readonly upstream: string
  /** The method, and what it named. */
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
  /** The code, and the scopes that were missing. */
  readonly why: string
  readonly count: number
  readonly last: string
}

/** What was decided in a time. */
export interface Decisions {
  readonly events: number
  readonly first: string | undefined
  readonly last: string | undefined
  readonly activities: readonly Activity[]
  readonly failures: readonly Failure[]
  readonly commands: readonly RecordedEvent[]
  /** When a client was last let pass for a subject: ISO 8601, by `accessKey`. */
  readonly used: ReadonlyMap<string, string>
  readonly subjects: ReadonlySet<string>
}

/** Counts events as they come. */
export interface Collector {
  add(event: RecordedEvent): void
  result(): Decisions
}

/** Names what a subject does through a client. */
export function accessKey(subject: string, clientId: string): string {
  return JSON.stringify([subject, clientId])
}

type Counted<T> = { -readonly [Key in keyof T]: T[Key] }

/** Strangers can make up names without end: what comes beyond so many rows is counted in one. */
const mostRows = 10_000
const others = '(others)'

/** Makes a collector, whose memory has a bound. */
export function collectDecisions(): Collector {
  const activities = new Map<string, Counted<Activity>>()
  const failures = new Map<string, Counted<Failure>>()
  const used = new Map<string, string>()
  const subjects = new Set<string>()
  const commands: RecordedEvent[] = []
  let events = 0
  let first: string | undefined
  let last: string | undefined

  const countCall = (event: RecordedEvent): void => {
    const { subject, clientId, upstream = '', method = '', object, outcome, time } = event
    if (subject === undefined || clientId === undefined || event.event !== 'mcp.call') return
    if (outcome === 'allowed') used.set(accessKey(subject, clientId), time)
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
    row.last = time
  }
  const countFailure = ({ event, outcome, code = '', missing = [], time }: RecordedEvent): void => {
    if (outcome === 'allowed') return
    const why = [code, ...missing].join(' ').trim()
    const fresh = { event, outcome, why, count: 0, last: time }
    const row = rowOf(failures, JSON.stringify([event, outcome, why]), fresh, { ...fresh, why: others })
    row.count++
    row.last = time
  }

  return {
    add(event) {
      events++
      first ??= event.time
      last = event.time
      if (event.subject !== undefined && subjects.size < mostRows) subjects.add(event.subject)
      if (event.operator !== undefined && commands.length < mostRows) commands.push(event)
      countCall(event)
      countFailure(event)
    },
    result: () => ({
      events,
      first,
      last,
      activities: [...activities.values()].toSorted((one, other) => other.allowed - one.allowed),
      failures: [...failures.values()].toSorted((one, other) => other.count - one.count),
      commands,
      used,
      subjects,
    }),
  }
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
