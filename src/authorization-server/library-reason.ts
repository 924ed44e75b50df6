import type { errors } from 'oidc-provider'
import { reasonOf } from '../core/reason-of.ts'
import { FetchRefused } from '../http/safe-fetch.ts'

/** Why the library refuses something, for the operator; where a fetch failed, what stood in its way. */
export function libraryReason(error: errors.OIDCProviderError): string {
  const { error_description: description, error_detail: detail, message, cause } = error
  const why = cause instanceof FetchRefused ? reasonOf(cause) : detail
  return [description, why].filter(Boolean).join(': ') || message
}
