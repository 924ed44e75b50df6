import { FetchRefused } from '../../http/safe-fetch.ts'
import { errors } from '../library/library.ts'
import { isSlowDown } from '../requests/slow-down.ts'

/**
 * What part of a client is currently unavailable, in the library's words: its metadata document, or the key
 * set that it names. Undefined for every other error. This depends on the error and not on the request that
 * caused the fetch, since all who wait for one fetch fail with it.
 */
export function whatIsAway(error: unknown): string | undefined {
  let what: string | undefined
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (isSlowDown(cause) || (cause instanceof FetchRefused && cause.passing)) return what
    if (cause instanceof errors.OIDCProviderError) what = cause.error_description
  }
  return undefined
}
