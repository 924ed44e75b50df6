import { stringify } from 'csv-stringify/sync'
import type { RecordedEvent } from './event.ts'

const columns = [
  'time',
  'event',
  'outcome',
  'subject',
  'clientId',
  'upstream',
  'method',
  'object',
  'era',
  'batch',
  'scopes',
  'missing',
  'code',
  'reason',
  'httpMethod',
  'path',
  'status',
  'address',
  'operator',
  'action',
  'target',
  'issuer',
  'actor',
  'grant',
  'grantType',
  'resourceAsked',
  'arguments',
  'requestId',
  'tenant',
  'chain',
  'seq',
] as const satisfies readonly (keyof RecordedEvent)[]

/** The first line of CSV (RFC 4180). */
export const csvHeader = stringify([columns])

/**
 * Writes events as lines of CSV. A text that a spreadsheet would take for a formula gets an apostrophe before it, and so does
 * a part of one, for those that split at semicolons or tabs.
 */
export function writeCsv(events: readonly RecordedEvent[]): string {
  const rows = events.map((event) => columns.map((column) => escapeParts(cell(event[column]))))
  return stringify(rows, { escape_formulas: true })
}

function cell(value: RecordedEvent[(typeof columns)[number]]): string {
  if (value === undefined) return ''
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  return 'hash' in value || 'redacted' in value
    ? JSON.stringify(value)
    : (value as readonly string[]).join(' ')
}

/**
 * Puts the apostrophe before each part that begins as a formula, by the signs of `escape_formulas`. To a program that splits
 * there our quotes stand in the middle of a cell, where they are text: a line break between them ends its row, and those that
 * come first in a part may vanish.
 */
function escapeParts(text: string): string {
  return text.replaceAll(/[;\t\r\n](?=[\s"]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])/g, "$&'")
}
