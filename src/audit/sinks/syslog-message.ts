import type { Outcome } from '../event.ts'
import { readEvent } from '../read-event.ts'

/** Facility 13, "log audit" (RFC 5424 section 6.2.1). */
const facility = 13

/** The most characters that a HOSTNAME and a MSGID may have (RFC 5424 section 6). */
const longestHost = 255
const longestName = 32

const informational = 6

const severities: ReadonlyMap<string, number> = new Map(
  Object.entries({
    allowed: informational,
    challenged: 5,
    limited: 4,
    denied: 4,
    failed: 3,
  } satisfies Record<Outcome, number>),
)

/** What a message says about its sender. */
export interface SyslogSender {
  readonly host: string
  readonly pid: number
}

/**
 * Writes an event as a syslog message (RFC 5424) with `text` as its content. `line` is the event as it was
 * written.
 */
export function syslogMessage(line: string, text: string, { host, pid }: SyslogSender): string {
  const event = readEvent(line)
  const severity = severities.get(event?.outcome ?? '') ?? informational
  const head = [`<${facility * 8 + severity}>1`, event?.time ?? '-', printable(host, longestHost)]
  const name = printable(event?.event ?? '', longestName)
  return [...head, 'portcullis', pid, name, '-', text].join(' ')
}

/** PRINTUSASCII, as much of it as is allowed, or the sign for no value. */
function printable(text: string, most: number): string {
  const short = text.replaceAll(/[^\x21-\x7e]/g, '').slice(0, most)
  return short === '' ? '-' : short
}
