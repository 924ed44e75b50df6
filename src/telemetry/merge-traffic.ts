import {
  type Activity,
  activityKey,
  type Denial,
  denialKey,
  type FlowStep,
  flowKey,
  recentKept,
  type Slot,
  type TrafficRecord,
} from './traffic.ts'

/** What several processes have seen, as if it were one. */
export function mergeTraffic(records: readonly TrafficRecord[]): TrafficRecord {
  const [only] = records
  if (only !== undefined && records.length === 1) return only
  return {
    slots: mergeBy(
      records.flatMap(({ slots }) => slots),
      ({ begins }) => String(begins),
      addSlots,
    ).toSorted((one, other) => one.begins - other.begins),
    activities: mergeBy(
      records.flatMap(({ activities }) => activities),
      activityKey,
      addActivities,
    ),
    denials: mergeBy(
      records.flatMap(({ denials }) => denials),
      denialKey,
      addDenials,
    ),
    flows: mergeBy(
      records.flatMap(({ flows }) => flows),
      flowKey,
      (one: FlowStep, other: FlowStep) => ({ ...one, count: one.count + other.count }),
    ),
    recent: records
      .flatMap(({ recent }) => recent)
      .toSorted((one, other) => one.at - other.at)
      .slice(-recentKept),
  }
}

function mergeBy<T>(items: readonly T[], keyOf: (item: T) => string, add: (one: T, other: T) => T): T[] {
  const merged = new Map<string, T>()
  for (const item of items) {
    const key = keyOf(item)
    const known = merged.get(key)
    merged.set(key, known === undefined ? item : add(known, item))
  }
  return [...merged.values()]
}

function addSlots(one: Slot, other: Slot): Slot {
  const { allowed, challenged, denied, failed } = other.outcomes
  return {
    begins: one.begins,
    outcomes: {
      allowed: one.outcomes.allowed + allowed,
      challenged: one.outcomes.challenged + challenged,
      denied: one.outcomes.denied + denied,
      failed: one.outcomes.failed + failed,
    },
    durations: one.durations.map((count, index) => count + (other.durations[index] ?? 0)),
  }
}

function addActivities(one: Activity, other: Activity): Activity {
  return {
    ...one,
    count: one.count + other.count,
    refused: one.refused + other.refused,
    lastAt: Math.max(one.lastAt, other.lastAt),
  }
}

function addDenials(one: Denial, other: Denial): Denial {
  const latest = one.lastAt >= other.lastAt ? one : other
  return { ...latest, count: one.count + other.count }
}
