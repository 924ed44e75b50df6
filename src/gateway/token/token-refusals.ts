import { Refusal } from '../../core/errors.ts'
import { reasonOf } from '../../core/reason-of.ts'
import { scrub } from '../../telemetry/scrub.ts'

/** When a client may try again. */
const retryAfterSeconds = 5

interface Detail {
  readonly specifics?: string
  readonly cause?: unknown
}

/** A token that is not accepted. The reasons are a closed set, since they are metric labels. */
export function invalidToken(reason: string, detail: Detail = {}): Refusal {
  return new Refusal('token_invalid', { reason, ...detail })
}

/** What tokens are verified with is currently unavailable, which is not the fault of the token. */
export function keysUnavailable(reason: string, detail: Detail = {}): Refusal {
  return new Refusal('keys_unavailable', { reason, ...detail, retryAfterSeconds })
}

/** The same if it is the issuer that cannot be asked. The reasons are labels as well; the log has the cause. */
export function issuerUnavailable(
  reason: string,
  { issuer }: { readonly issuer: string },
  cause: unknown,
): Refusal {
  const why = reasonOf(cause)
  const specifics = scrub(why.startsWith(issuer) ? why : `${issuer}: ${why}`)
  return keysUnavailable(reason, { cause, specifics })
}
