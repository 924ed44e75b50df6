import { mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { pino } from 'pino'
import type { Clock } from '../core/clock.ts'
import type { RequestEvent } from './event.ts'

/** The append-only record of who did what, one JSON object a line. */
export interface Audit {
  record(event: RequestEvent): void
  close(): void
}

interface AuditOptions {
  readonly path: string
  readonly clock: Clock
  /** Told when an entry cannot be written, such as for want of space. */
  readonly onFault: (error: unknown) => void
}

/** ISO 8601 in UTC. Requests come many to a millisecond. */
function isoTime(milliseconds: number): string {
  if (milliseconds !== lastTime) {
    lastTime = milliseconds
    lastText = new Date(milliseconds).toISOString()
  }
  return lastText
}

let lastTime = Number.NaN
let lastText = ''

/** Opens the audit file for appending; creates it, readable by its owner alone. Throws when it cannot be written. */
export function openAudit({ path, clock, onFault }: AuditOptions): Audit {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const file = pino.destination({ fd: openSync(path, 'a', 0o600), sync: true })
  file.on('error', onFault)
  let closed = false
  let turn = ''
  const write = (): void => {
    if (turn !== '') file.write(turn)
    turn = ''
  }
  return {
    record(event) {
      if (closed) return onFault(new Error(`an audit entry came after the end: ${event.requestId}`))
      // What ends in one turn of the event loop is written in one call at its end.
      if (turn === '') setImmediate(write)
      turn += `{"time":"${isoTime(clock.now())}",${JSON.stringify(event).slice(1)}\n`
    },
    close() {
      closed = true
      write()
      file.flushSync()
      file.end()
    },
  }
}
