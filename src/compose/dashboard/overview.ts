import type { ChartPoint, Overview, Table } from '../../admin/contract.ts'
import {
  type Activity,
  type Denial,
  durationBounds,
  type FlowStep,
  type Slot,
  slotSeconds,
  type TrafficRecord,
} from '../../telemetry/traffic.ts'

const rowsShown = 15

/** The steps of a sign-in in their order. */
const funnel = [
  ['authorization', 'Authorization requests'],
  ['login', 'Logins'],
  ['consent', 'Consents'],
  ['token', 'Tokens for codes'],
] as const

/** What the dashboard shows of what was seen. `nameOf` tells who a subject is. */
export async function describeTraffic(
  { slots, activities, denials, flows, recent }: TrafficRecord,
  nameOf: (subject: string) => Promise<string>,
): Promise<Overview> {
  const subjects = [
    ...activities.map(({ subject }) => subject),
    ...denials.map(({ lastSubject }) => lastSubject),
    ...recent.map(({ subject = '' }) => subject),
  ]
  const names = new Map(
    await Promise.all([...new Set(subjects)].map(async (one) => [one, await nameOf(one)] as const)),
  )
  const named = (subject: string): string => names.get(subject) || '—'
  return {
    points: slots.map(describeSlot),
    tables: {
      denials: denialTable(denials, named),
      flows: flowTable(flows),
      breakOffs: breakOffTable(flows),
      activities: activityTable(activities, named),
      recent: {
        caption: 'Latest requests',
        columns: ['Kind', 'What', 'Who', 'Client', 'Outcome', 'Status', 'ms'],
        none: 'Nothing has been asked yet.',
        rows: recent
          .toReversed()
          .slice(0, rowsShown)
          .map(
            ({
              kind,
              methods,
              step,
              path,
              object,
              subject = '',
              clientId = '',
              outcome,
              status,
              durationMs,
            }) => [
              kind,
              [methods?.join(', ') ?? step ?? path, object].filter(Boolean).join(' '),
              named(subject),
              clientId || '—',
              outcome,
              String(status),
              durationMs.toFixed(1),
            ],
          ),
      },
    },
  }
}

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
    columns: ['Why', 'Scope needed', 'Server', 'Method', 'Count', 'Last by', 'Through', 'Last'],
    none: 'Nobody was refused.',
    rows: denials
      .toSorted((one, other) => other.count - one.count)
      .slice(0, rowsShown)
      .map(({ code, reason, scopes, upstream, method, count, lastSubject, lastClientId, lastAt }) => [
        code || reason,
        scopes.join(' ') || '—',
        upstream || '—',
        method,
        String(count),
        named(lastSubject),
        lastClientId || '—',
        timeOf(lastAt),
      ]),
  }
}

function flowTable(flows: readonly FlowStep[]): Table {
  const counted = (step: string, isWanted: (flow: FlowStep) => boolean): number =>
    flows.filter((flow) => flow.step === step && isWanted(flow)).reduce((sum, { count }) => sum + count, 0)
  const ofCodes = ({ step, grantType }: FlowStep): boolean =>
    step !== 'token' || grantType === 'authorization_code'
  return {
    caption: 'Sign-ins, step by step',
    columns: ['Step', 'Went well', 'Broke off'],
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
    columns: ['Who', 'Client', 'Server', 'Method', 'Calls', 'Refused', 'Last'],
    none: 'No MCP call has come yet.',
    rows: activities
      .toSorted((one, other) => other.count - one.count)
      .slice(0, rowsShown)
      .map(({ subject, clientId, upstream, method, count, refused, lastAt }) => [
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

function timeOf(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(11, 19)} UTC`
}
