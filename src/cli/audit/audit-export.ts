import { Command, Option } from 'commander'
import { type SelectedEvent, selectEvents } from '../../audit/select-events.ts'
import { csvHeader, writeCsv } from '../../audit/write-csv.ts'
import { writeOcsf } from '../../audit/write-ocsf.ts'
import { version } from '../../version.ts'
import { checkTarget } from '../check-target.ts'
import { addInstallationFlags } from '../with-store.ts'
import { print, writeTarget } from '../write-output.ts'
import { addFilterFlags, type FilterFlags } from './audit-filter.ts'
import { addSourceFlag, readEvents } from './audit-source.ts'

type Format = keyof typeof writers

const writers = {
  jsonl: (events: readonly SelectedEvent[]) => events.map(({ line }) => `${line}\n`).join(''),
  csv: (events: readonly SelectedEvent[]) => writeCsv(events.map(({ event }) => event)),
  ocsf: (events: readonly SelectedEvent[]) =>
    events.map(({ event }) => `${JSON.stringify(writeOcsf(event, version))}\n`).join(''),
} as const

type ExportFlags = FilterFlags & { readonly format: Format; readonly out?: string }

/** `portcullis audit export`: events for other programs, on standard output or in a file. */
export function auditExportCommand(): Command {
  return addSourceFlag(addFilterFlags(addInstallationFlags(new Command('export'))))
    .description('Export events for other programs.')
    .argument('[folders...]', 'folders with events (default: that of the installation)')
    .addOption(
      new Option('--format <format>', 'JSON lines as they were written, CSV, or OCSF 1.6 as JSON lines')
        .choices(Object.keys(writers))
        .default('jsonl'),
    )
    .option('--out <file>', 'the file to write (default: standard output)')
    .action(async (named: string[], { out, ...flags }: ExportFlags) => {
      if (out !== undefined) checkTarget('--out', out)
      const texts = writeEvents(named, flags)
      if (out === undefined) await print(texts)
      else await writeTarget('--out', out, texts)
    })
}

async function* writeEvents(named: string[], { format, ...flags }: ExportFlags): AsyncGenerator<string> {
  if (format === 'csv') yield csvHeader
  for await (const selected of selectEvents(readEvents(named, flags, flags), flags))
    yield writers[format](selected)
}
