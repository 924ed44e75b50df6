import { Refusal } from '../../core/errors.ts'
import { refusalWhereBusy } from '../../http/busy.ts'
import { refusalWhereRedirected } from '../../http/redirect.ts'
import type { AnswerHeaders } from '../../http/relay.ts'

/** The refusal for an HTTP answer that cannot contain a message; undefined if it may. Untrusted input. */
export function refusalForStatus(status: number, headers: AnswerHeaders): Refusal | undefined {
  const reason = `the server answered ${status}`
  if (status === 401 || status === 403 || status === 407) return new Refusal('upstream_refused', { reason })
  return refusalWhereRedirected(status, headers) ?? refusalWhereBusy(status, headers)
}
