import { Refusal } from '../core/errors.ts'
import type { AnswerHeaders } from './relay.ts'

/** The server is busy: Request Timeout, Too Early, Too Many Requests. */
const busy: ReadonlySet<number> = new Set([408, 425, 429])

/**
 * The refusal for an answer that asks to come back later (RFC 6585 section 4); undefined for any other. The
 * original status would make a client that probes for the protocol era believe in an older server (A70).
 */
export function refusalWhereBusy(status: number, headers: AnswerHeaders): Refusal | undefined {
  if (!busy.has(status)) return undefined
  const retryAfterSeconds = readRetryAfter(headers)
  const reason = `the server answered ${status}`
  return new Refusal(
    'upstream_busy',
    retryAfterSeconds === undefined ? { reason } : { reason, retryAfterSeconds },
  )
}

const dayInSeconds = 24 * 60 * 60

/**
 * Whole seconds of a `Retry-After` (RFC 9110 section 10.2.3), a day at most; undefined for what is none. A date counts from
 * that of the answer, since both are of the server's clock.
 */
function readRetryAfter({ 'retry-after': value, date }: AnswerHeaders): number | undefined {
  if (typeof value !== 'string') return undefined
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.parse(String(date))) / 1000
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(1, Math.ceil(seconds)), dayInSeconds)
}
