import { Refusal } from '../core/errors.ts'

/** When a client may try again. */
const retryAfterSeconds = 5

interface Detail {
  readonly specifics?: string
  readonly cause?: unknown
}

/** What tokens are verified with cannot be had at the moment, which is no fault of the token. */
export function keysUnavailable(reason: string, detail: Detail = {}): Refusal {
  return new Refusal('keys_unavailable', { reason, ...detail, retryAfterSeconds })
}
