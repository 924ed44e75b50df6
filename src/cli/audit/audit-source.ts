import { realpathSync } from 'node:fs'
import type { Command } from 'commander'
import { unreadable } from '../../audit/audit-unusable.ts'
import { filePaths } from '../../audit/files.ts'
import type { EventFilter } from '../../audit/filter.ts'
import { onceEach } from '../../audit/once-each.ts'
import { readEvent } from '../../audit/read-event.ts'
import { type Lines, readLines } from '../../audit/read-lines.ts'
import { auditFolder } from '../../compose/audit.ts'
import { loadConfig } from '../../config/load.ts'
import { fileVariable } from '../../config/reading/environment.ts'
import type { Config } from '../../config/schema.ts'
import { type AuditSelection, type AuditTable, openAuditTable } from '../../storage/tables/audit-table.ts'
import { isFolder } from '../check-target.ts'
import { configFor } from '../config-for.ts'
import { placeSettings } from '../flags.ts'
import { wrongOperand } from '../operand-wrong.ts'
import type { StoreFlags } from '../with-store.ts'

/** The configuration that the flags of a command name, without its store. */
function configOf({ config: file = process.env[fileVariable], tenant, ...place }: StoreFlags): Config {
  const whole = loadConfig({ file, environment: process.env, flags: placeSettings(place) })
  return configFor(whole, tenant)
}

/**
 * Where the events are: in the given folders, or in that of the installation. Throws OperandWrong and
 * AuditUnusable.
 */
export function foldersOf(named: readonly string[], flags: StoreFlags): string[] {
  const folders = named.length > 0 ? [...named] : [auditFolder(configOf(flags))]
  for (const folder of folders) requireEvents(folder)
  // A folder that is given twice, in whatever spelling, is only read once.
  const places = folders.map((folder) => realpathSync(folder))
  return folders.filter((_, index) => places.indexOf(places[index] as string) === index)
}

/** Throws OperandWrong for what is no folder with events, and AuditUnusable for one that cannot be read. */
function requireEvents(folder: string): void {
  let files: readonly string[] | undefined
  try {
    files = isFolder(folder) ? filePaths(folder) : undefined
  } catch (error) {
    throw unreadable(folder, error)
  }
  if (files === undefined)
    throw wrongOperand('folder', `${folder} is not a folder: name the folder with the audit files`)
  if (files.length === 0) throw wrongOperand('folder', `there are no events in ${folder}`)
}

/** The flags that say where events are read from. */
export interface SourceFlags extends StoreFlags {
  readonly database?: boolean
}

/** Adds the flag that reads the copy in a database. */
export function addSourceFlag(command: Command): Command {
  return command.option(
    '--database',
    'read the copy in PostgreSQL, which covers all machines, instead of folders',
  )
}

/**
 * Events of folders, each once, or of the database that a sink of the configuration names, which is only asked
 * for the selected ones. Throws OperandWrong and StoreUnusable.
 */
export async function* readEvents(
  named: readonly string[],
  flags: SourceFlags,
  { since, until, subject }: Pick<EventFilter, 'since' | 'until' | 'subject'> = {},
): AsyncGenerator<Lines> {
  const { database = false, ...others } = flags
  if (!database) yield* onceEach(foldersOf(named, others).map((folder) => readLines(filePaths(folder))))
  else {
    const { table, tenant } = await openDatabase(others, named)
    try {
      yield* linesOf(table, { tenant, since, until, subject })
    } finally {
      await table.close()
    }
  }
}

/**
 * The table that a sink of the configuration names, and whose events in it to read; in its place, no folder
 * may be named. Throws OperandWrong and StoreUnusable.
 */
export async function openDatabase(
  flags: StoreFlags,
  named: readonly string[] = [],
): Promise<{ readonly table: AuditTable; readonly tenant: string | undefined }> {
  if (named.length > 0)
    throw wrongOperand('--database', 'is read in place of folders: name folders, or give this flag')
  const { audit, store } = configOf(flags)
  const sink = audit.sinks.find(({ kind }) => kind === 'postgres')
  const url = sink?.kind === 'postgres' ? (sink.url ?? store.url) : undefined
  if (url === undefined)
    throw wrongOperand('--database', 'the configuration has no audit sink of kind postgres')
  // One table contains the events of all tenants, which have different keys and operators: each command reads
  // those of one.
  return { table: await openAuditTable(url, () => undefined), tenant: flags.tenant }
}

/** The name of the table in the results of `linesOf`. */
export const tableName = 'audit_events'

/**
 * Lines of the table. `onStray` is called with the number of each line that does not agree with the columns
 * by which it is found.
 */
export async function* linesOf(
  table: AuditTable,
  wanted: AuditSelection,
  onStray: (line: number) => void = () => undefined,
): AsyncGenerator<Lines> {
  let first = 1
  for await (const rows of table.read(wanted)) {
    for (const [index, { line, time, subject }] of rows.entries()) {
      const event = readEvent(line)
      const agrees =
        event === undefined ||
        (event.tenant === wanted.tenant && event.subject === subject && Date.parse(event.time) === time)
      if (!agrees) onStray(first + index)
    }
    yield { source: tableName, first, lines: rows.map(({ line }) => line), bytes: 0 }
    first += rows.length
  }
}
