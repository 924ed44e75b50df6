import type { Outcome } from '../audit/event.ts'
import type { Refusal } from '../core/errors.ts'

/** What kind of no a refusal is. A limit that was reached is `limited`, whatever its status. */
export function refusalOutcome({ code, status, detail }: Refusal): Exclude<Outcome, 'allowed'> {
  if (detail.challenge !== undefined) return 'challenged'
  if (code === 'too_many_requests') return 'limited'
  return status >= 500 ? 'failed' : 'denied'
}
