import { chmodSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { pino } from 'pino'
import type { Clock } from '../core/clock.ts'
import type { RequestEvent } from './event.ts'

/** The append-only record of who did what, one JSON object a line. */
export interface Audit {
  record(event: RequestEvent): void
  close(): void
}

/** Opens the audit file for appending; creates it, readable by its owner alone. Throws when it cannot be written. */
export function openAudit(path: string, clock: Clock): Audit {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const file = pino.destination({ dest: path, append: true, sync: false, minLength: 0 })
  let opened = false
  file.once('ready', () => {
    opened = true
    chmodSync(path, 0o600)
  })
  return {
    record(event) {
      file.write(`${JSON.stringify({ time: new Date(clock.now()).toISOString(), ...event })}\n`)
    },
    close() {
      if (opened) file.flushSync()
      file.end()
    },
  }
}
