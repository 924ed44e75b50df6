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
 * Writes events as lines of CSV. A text that a spreadsheet would interpret as a formula is prefixed with an
 * apostrophe, and so is a part of one, for programs that split at semicolons or tabs.
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
 * Prefixes each part that begins like a formula with an apostrophe, by the characters of `escape_formulas`.
 * For a program that splits there, our quotes are in the middle of a cell, where they are plain text: a line
 * break between them ends its row, and quotes at the beginning of a part may disappear.
 */
function escapeParts(text: string): string {
  return text.replaceAll(/[;\t\r\n](?=[\s"]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])/g, "$&'")
}
