import { type Command, InvalidArgumentError, Option } from 'commander'
import { eventNames, outcomes, trailEventNames } from '../../audit/event.ts'
import type { EventFilter } from '../../audit/filter.ts'
import { systemClock } from '../../core/clock.ts'
import type { SourceFlags } from './audit-source.ts'

/** The flags that select events, named as in the filter. */
export type FilterFlags = SourceFlags & EventFilter

/** Adds the flags that select a period. */
export function addTimeFlags(command: Command): Command {
  return command
    .option(
      '--since <time>',
      'from this time on: 2026-11-27 or 2026-11-27T10:00Z, or a span before now such as 24h or 7d',
      parseTime,
    )
    .option('--until <time>', 'before this time', parseTime)
}

/** Adds the flags that select events. */
export function addFilterFlags(command: Command): Command {
  return addTimeFlags(command)
    .option(
      '--event <name>',
      'an event such as mcp.call, or a prefix such as oauth for all of its events',
      parseEvent,
    )
    .addOption(new Option('--outcome <outcome>', 'how it ended').choices(outcomes))
    .option('--subject <id>', 'who it was')
    .option('--client <id>', 'through which client')
    .option('--upstream <name>', 'on which server')
    .option('--object <name>', 'which tool, resource or prompt')
    .option('--request-id <id>', 'of one request')
}

const units: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }
/** `Date.parse` accepts much more: `40` for the year 2040, and the 30th of February for a day in March. */
const isoTime =
  /^(?<day>\d{4}-\d{2}-\d{2})(?<clock>T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?<zone>Z|[+-]\d{2}:\d{2})?)?$/

/** Parses a time, or a duration before now; never before 1970. Throws InvalidArgumentError. */
export function parseTime(text: string): number {
  const [, amount, unit] = /^(\d+)([mhd])$/.exec(text) ?? []
  if (unit !== undefined) return Math.max(0, systemClock.now() - Number(amount) * (units[unit] ?? 0))
  const time = parseIsoTime(text)
  if (Number.isNaN(time))
    throw new InvalidArgumentError('write a time as 2026-11-27T10:00Z, or as 24h for the last day')
  return Math.max(0, time)
}

/** Parses a day or a moment; in UTC, as events have it, if no other zone is named. NaN for anything else. */
export function parseIsoTime(text: string): number {
  const { day, clock, zone } = isoTime.exec(text)?.groups ?? {}
  if (day === undefined || !isDay(day)) return Number.NaN
  return Date.parse(clock !== undefined && zone === undefined ? `${text}Z` : text)
}

const allEventNames: readonly string[] = [...eventNames, ...trailEventNames]

/**
 * Parses the name of an event, or its part before the dot. Throws InvalidArgumentError for any other, of
 * which there are never events.
 */
export function parseEvent(text: string): string {
  if (allEventNames.some((name) => name === text || name.startsWith(`${text}.`))) return text
  const kinds = [...new Set(allEventNames.map((name) => name.split('.')[0]))]
  throw new InvalidArgumentError(
    `there is no such event: give one of ${kinds.join(', ')}, or an event that begins with one (docs/audit.md)`,
  )
}

function isDay(text: string): boolean {
  const time = Date.parse(text)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text)
}
