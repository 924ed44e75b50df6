import type { ChartPoint, Overview, Table } from '../../admin/contract.ts'
import {
  type Activity,
  type Denial,
  durationBounds,
  type FlowStep,
  type SeenRequest,
  type Slot,
  slotOf,
  slotSeconds,
  slotsShown,
  type TrafficRecord,
} from '../../telemetry/traffic.ts'

const rowsShown = 15

/** The steps of a sign-in, in order. */
const funnel = [
  ['authorization', 'Authorization requests'],
  ['login', 'Logins'],
  ['consent', 'Consents'],
  ['token', 'Tokens for codes'],
] as const

/**
 * What the dashboard shows of the traffic. `nameOf` returns the name of a subject, and is called only for
 * those shown.
 */
export async function describeTraffic(
  { slots, activities, denials, flows, recent }: TrafficRecord,
  now: number,
  nameOf: (subject: string) => Promise<string>,
): Promise<Overview> {
  const shown = {
    activities: mostOf(activities),
    denials: mostOf(denials),
    recent: recent.toReversed().slice(0, rowsShown),
  }
  const subjects = [
    ...shown.activities.map(({ subject }) => subject),
    ...shown.denials.map(({ lastSubject }) => lastSubject),
    ...shown.recent.map(({ event }) => event.subject ?? ''),
  ]
  const names = new Map(
    await Promise.all(
      [...new Set(subjects)].filter(Boolean).map(async (one) => [one, await nameOf(one)] as const),
    ),
  )
  const named = (subject: string): string => names.get(subject) || '—'
  return {
    points: describeSlots(slots, now),
    tables: {
      denials: denialTable(shown.denials, named),
      flows: flowTable(flows),
      breakOffs: breakOffTable(flows),
      activities: activityTable(shown.activities, named),
      recent: recentTable(shown.recent, named),
    },
  }
}

function mostOf<T extends { readonly count: number }>(counted: readonly T[]): readonly T[] {
  return counted.toSorted((one, other) => other.count - one.count).slice(0, rowsShown)
}

/**
 * A point for each completed slot of the last ten minutes; the current one has not seen all of its seconds
 * yet.
 */
function describeSlots(slots: readonly Slot[], now: number): ChartPoint[] {
  const seen = new Map(slots.map((slot) => [slot.begins, slot]))
  const first = slotOf(now) - slotsShown * slotSeconds
  return Array.from({ length: slotsShown }, (_, index) => {
    const begins = first + index * slotSeconds
    const slot = seen.get(begins)
    return slot === undefined ? { at: begins, ...silence } : describeSlot(slot)
  })
}

const silence = { allowed: 0, refused: 0, failed: 0, median: undefined, slow: undefined }

function describeSlot({ begins, outcomes, durations }: Slot): ChartPoint {
  const { allowed, challenged, denied, failed } = outcomes
  return {
    at: begins,
    allowed: allowed / slotSeconds,
    refused: (challenged + denied) / slotSeconds,
    failed: failed / slotSeconds,
    median: quantile(durations, 0.5),
    slow: quantile(durations, 0.95),
  }
}

/** The upper bound of the class in which a share of the counts is reached. */
function quantile(durations: readonly number[], share: number): number | undefined {
  const total = durations.reduce((sum, count) => sum + count, 0)
  if (total === 0) return undefined
  let reached = 0
  const index = durations.findIndex((count) => (reached += count) >= total * share)
  return durationBounds[index] ?? durationBounds.at(-1)
}

function denialTable(denials: readonly Denial[], named: (subject: string) => string): Table {
  return {
    caption: 'Refused calls',
    columns: ['Why', 'Scope missing', 'Server', 'Method', 'Count', 'Last by', 'Through', 'Last'],
    none: 'Nobody was refused.',
    rows: denials.map(
      ({ code, reason, missing, upstream, method, count, lastSubject, lastClientId, lastAt }) => [
        code || reason,
        missing.join(' ') || '—',
        upstream || '—',
        method,
        String(count),
        named(lastSubject),
        lastClientId || '—',
        timeOf(lastAt),
      ],
    ),
  }
}

function flowTable(flows: readonly FlowStep[]): Table {
  const counted = (step: string, isWanted: (flow: FlowStep) => boolean): number =>
    flows.filter((flow) => flow.step === step && isWanted(flow)).reduce((sum, { count }) => sum + count, 0)
  const ofCodes = ({ step, grantType }: FlowStep): boolean =>
    step !== 'token' || grantType === 'authorization_code'
  return {
    caption: 'Sign-ins, step by step',
    columns: ['Step', 'Completed', 'Broken off'],
    none: '',
    rows: funnel.map(([step, title]) => [
      title,
      String(counted(step, (flow) => flow.code === '' && ofCodes(flow))),
      String(counted(step, (flow) => flow.code !== '' && ofCodes(flow))),
    ]),
  }
}

function breakOffTable(flows: readonly FlowStep[]): Table {
  return {
    caption: 'Where OAuth broke off',
    columns: ['Step', 'Grant', 'Error', 'Count'],
    none: 'Every step went well.',
    rows: flows
      .filter(({ code }) => code !== '')
      .toSorted((one, other) => other.count - one.count)
      .slice(0, rowsShown)
      .map(({ step, grantType, code, count }) => [step, grantType || '—', code, String(count)]),
  }
}

function activityTable(activities: readonly Activity[], named: (subject: string) => string): Table {
  return {
    caption: 'Who does what',
    columns: ['Who', 'Client', 'Server', 'Method', 'Calls', 'Refused or failed', 'Last'],
    none: 'No MCP call has come yet.',
    rows: activities.map(({ subject, clientId, upstream, method, count, refused, lastAt }) => [
      named(subject),
      clientId || '—',
      upstream,
      method,
      String(count),
      String(refused),
      timeOf(lastAt),
    ]),
  }
}

function recentTable(recent: readonly SeenRequest[], named: (subject: string) => string): Table {
  return {
    caption: 'Latest requests',
    columns: ['Time', 'Kind', 'What', 'Server', 'Who', 'Client', 'Outcome', 'Status', 'ms'],
    none: 'Nothing has been asked yet.',
    rows: recent.map(({ at, event }) => [
      timeOf(at),
      event.kind,
      [event.methods?.join(', ') ?? event.unknownMethod ?? event.step ?? event.path, event.object]
        .filter(Boolean)
        .join(' '),
      event.upstream ?? '—',
      named(event.subject ?? ''),
      event.clientId || '—',
      event.outcome === 'allowed' || event.code === undefined
        ? event.outcome
        : `${event.outcome}: ${event.code}`,
      String(event.status),
      event.durationMs.toFixed(1),
    ]),
  }
}

function timeOf(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(11, 19)} UTC`
}
