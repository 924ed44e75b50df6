import { readFileSync } from 'node:fs'
import type { RecordedEvent } from '../../src/audit/event.ts'
import { filePaths } from '../../src/audit/files.ts'

/** The events in a folder of the audit, in order. */
export function recordedEvents(folder: string): RecordedEvent[] {
  return filePaths(folder)
    .flatMap((path) => readFileSync(path, 'utf8').split('\n'))
    .filter(Boolean)
    .map((line) => JSON.parse(line) as RecordedEvent)
}
