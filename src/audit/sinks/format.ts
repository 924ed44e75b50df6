import { readEvent } from '../read-event.ts'
import { writeOcsf } from '../write-ocsf.ts'
import type { FormatLine } from './contract.ts'

/** The formats in which events are sent to a sink: as they were written, or as OCSF. */
export type SinkFormat = 'events' | 'ocsf'

/**
 * Creates the writer of a format. A torn line, which is not an event, is passed on unchanged, as a JSON
 * string.
 */
export function formatLine(format: SinkFormat, productVersion: string): FormatLine {
  return (line) => {
    const event = readEvent(line)
    if (event === undefined) return JSON.stringify(line)
    return format === 'ocsf' ? JSON.stringify(writeOcsf(event, productVersion)) : line
  }
}
