import assert from 'node:assert/strict'
import { rowOf } from '../../src/compose/audit-sinks.ts'
import {
  type AuditRow,
  type AuditSelection,
  type AuditTable,
  openAuditTable,
} from '../../src/storage/tables/audit-table.ts'
import type { TrailFolder } from './trail.ts'

/** Opens the copy of the audit in a database, in which nothing may go wrong on its own. */
export function openCopy(url: string): Promise<AuditTable> {
  return openAuditTable(url, (error) => assert.fail(String(error)))
}

/** What is copied of a folder. */
export function rowsOf(folder: TrailFolder): AuditRow[] {
  return folder.lines().flatMap(rowOf)
}

/** The selected lines of a copy. */
export async function linesOf(
  table: AuditTable,
  wanted: AuditSelection = { tenant: undefined },
): Promise<string[]> {
  const lines: string[] = []
  for await (const rows of table.read(wanted)) lines.push(...rows.map(({ line }) => line))
  return lines
}
