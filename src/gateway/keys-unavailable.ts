import { Refusal } from '../core/errors.ts'

/** When a client may try again. */
const retryAfterSeconds = 5

interface Detail {
  readonly specifics?: string
  readonly cause?: unknown
}

/** The keys for verifying tokens are currently unavailable, which is not the fault of the token. */
export function keysUnavailable(reason: string, detail: Detail = {}): Refusal {
  return new Refusal('keys_unavailable', { reason, ...detail, retryAfterSeconds })
}
