import type { errors } from 'oidc-provider'
import { reasonOf } from '../../core/reason-of.ts'
import { isUnknownName } from '../../http/resolve-host.ts'
import { FetchRefused } from '../../http/safe-fetch.ts'

/**
 * Why the library refuses something, for the operator; where a fetch failed, what stood in its way, and what to
 * do if nothing can be fetched at all.
 */
export function libraryReason(error: errors.OIDCProviderError): string {
  const { error_description: description, error_detail: detail, message, cause } = error
  const why = cause instanceof FetchRefused ? fetchReason(cause) : detail
  return [description, why].filter(Boolean).join(': ') || message
}

function fetchReason(refused: FetchRefused): string {
  const { reached, cause } = refused
  const isOutOfReach = reached === false || (cause !== undefined && isUnknownName(cause))
  const advice = '; if this server cannot reach the internet, set registration.documents.enabled: false'
  return reasonOf(refused) + (isOutOfReach ? advice : '')
}
