import { readEvent } from '../read-event.ts'
import { writeOcsf } from '../write-ocsf.ts'
import type { FormatLine } from './contract.ts'

/** The forms in which events go to a sink: as they were written, or as OCSF. */
export type SinkFormat = 'events' | 'ocsf'

/** Makes the writer of a form. What is no event, a torn line, goes on as it is, as a JSON text. */
export function formatLine(format: SinkFormat, productVersion: string): FormatLine {
  return (line) => {
    const event = readEvent(line)
    if (event === undefined) return JSON.stringify(line)
    return format === 'ocsf' ? JSON.stringify(writeOcsf(event, productVersion)) : line
  }
}
