import { Refusal } from '../core/errors.ts'
import { scrubPath } from '../telemetry/scrub.ts'
import type { AnswerHeaders } from './relay.ts'

/** Stands for a host that the redirect does not name. */
const sameOrigin = 'http://same.invalid'
const maxLength = 200

/**
 * The refusal for a redirect, which is never followed, since what is sent would go to whom nobody named; undefined for
 * any other answer. It tells the operator where to, since often only the slash at the end of a path differs. Untrusted
 * input.
 */
export function refusalWhereRedirected(status: number, { location }: AnswerHeaders): Refusal | undefined {
  if (status < 300 || status >= 400) return undefined
  const reason = `the server answered ${status}${typeof location === 'string' ? leadingTo(location) : ''}`
  return new Refusal('upstream_invalid', { reason })
}

/** Without what could be secret: its query, a user and password, and parts of the path that only a program reads. */
function leadingTo(location: string): string {
  const target = URL.parse(location, sameOrigin)
  if (target === null) return ''
  const { protocol, host, origin, pathname } = target
  const path = scrubPath(pathname)
  const place = origin === sameOrigin ? path : `${protocol}//${host}${path}`
  return `, a redirect to ${place.slice(0, maxLength)}`
}
