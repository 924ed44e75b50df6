import { Refusal } from '../core/errors.ts'
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

/** Without its query, and without a user and password, which could be secret. */
function leadingTo(location: string): string {
  const target = URL.parse(location, sameOrigin)
  if (target === null) return ''
  const { protocol, host, origin, pathname } = target
  const place = origin === sameOrigin ? pathname : `${protocol}//${host}${pathname}`
  return `, a redirect to ${place.slice(0, maxLength)}`
}
