import { Command } from 'commander'
import type { RecordedEvent } from '../../audit/event.ts'
import { selectEvents } from '../../audit/select-events.ts'
import { printable } from '../printable.ts'
import { addInstallationFlags } from '../with-store.ts'
import { print } from '../write-output.ts'
import { addFilterFlags, type FilterFlags } from './audit-filter.ts'
import { addSourceFlag, readEvents } from './audit-source.ts'

/** `portcullis audit query`: events as lines for people, or as they were written. */
export function auditQueryCommand(): Command {
  return addSourceFlag(addFilterFlags(addInstallationFlags(new Command('query'))))
    .description('Show events.')
    .argument('[folders...]', 'folders with events (default: that of the installation)')
    .option('--json', 'print the lines as they were written, for programs')
    .action((named: string[], flags: FilterFlags) => print(writeEvents(named, flags)))
}

async function* writeEvents(named: string[], flags: FilterFlags): AsyncGenerator<string> {
  for await (const selected of selectEvents(readEvents(named, flags, flags), flags))
    yield selected.map(({ event, line }) => `${flags.json === true ? line : describe(event)}\n`).join('')
}

/** One line: when, what with which outcome, who, where, why. */
function describe(event: RecordedEvent): string {
  const who = [event.operator ?? event.subject, event.clientId]
    .filter((part) => part !== undefined)
    .join(' via ')
  const what = [event.upstream, event.method, event.object, event.action, event.target, event.grantType]
  const missing = event.missing && `missing ${event.missing.join(' ')}`
  const why =
    event.outcome === 'allowed' ? [event.reason] : [...new Set([event.code, missing ?? event.reason])]
  return [event.time, event.event, event.outcome, who === '' ? undefined : `(${who})`, ...what, ...why]
    .filter((part) => part !== undefined)
    .map((part) => printable(part))
    .join(' ')
}
