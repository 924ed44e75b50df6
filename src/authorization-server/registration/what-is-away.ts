import { FetchRefused } from '../../http/safe-fetch.ts'
import { errors } from '../library.ts'
import { isSlowDown } from './slow-down.ts'

/**
 * What of a client cannot be had at the moment, in the library's words: its metadata document, or the key set that it
 * names. Undefined for every other error. It is the error that says so, and not the request that had something fetched: all
 * who wait for one fetch fail with it.
 */
export function whatIsAway(error: unknown): string | undefined {
  let what: string | undefined
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (isSlowDown(cause) || (cause instanceof FetchRefused && cause.passing)) return what
    if (cause instanceof errors.OIDCProviderError) what = cause.error_description
  }
  return undefined
}
