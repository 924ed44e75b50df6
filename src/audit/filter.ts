import type { Outcome, RecordedEvent } from './event.ts'

/** Which events to select. Undefined members are not compared. */
export interface EventFilter {
  /** Only those of a tenant. */
  readonly tenant?: string | undefined
  /** Milliseconds since the epoch: from the first (inclusive) to the second (exclusive). */
  readonly since?: number | undefined
  readonly until?: number | undefined
  /** The name of an event, or its beginning up to a dot: `oauth`. */
  readonly event?: string | undefined
  readonly outcome?: Outcome | undefined
  readonly subject?: string | undefined
  readonly client?: string | undefined
  readonly upstream?: string | undefined
  readonly object?: string | undefined
  readonly requestId?: string | undefined
}

/** Whether an event is selected. */
export function matches(filter: EventFilter, event: RecordedEvent): boolean {
  const is = (wanted: string | undefined, value: unknown): boolean => wanted === undefined || wanted === value
  const named =
    filter.event === undefined || event.event === filter.event || event.event.startsWith(`${filter.event}.`)
  return (
    named &&
    is(filter.tenant, event.tenant) &&
    is(filter.outcome, event.outcome) &&
    is(filter.subject, event.subject) &&
    is(filter.client, event.clientId) &&
    is(filter.upstream, event.upstream) &&
    is(filter.object, event.object) &&
    is(filter.requestId, event.requestId) &&
    isWithin(filter, Date.parse(event.time))
  )
}

function isWithin({ since, until }: EventFilter, time: number): boolean {
  return (since === undefined || time >= since) && (until === undefined || time < until)
}
