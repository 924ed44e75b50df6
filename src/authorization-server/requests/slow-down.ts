import { errors, Provider } from '../library/library.ts'
import { awayCode } from '../notes.ts'

/**
 * The error for a caller that has to wait: `temporarily_unavailable` with `Retry-After`, in whole seconds.
 */
export function slowDown(status: 429 | 503, description: string, seconds: number): Error {
  Provider.ctx?.set('Retry-After', String(seconds))
  const error = new errors.CustomOIDCProviderError(awayCode, description)
  return Object.assign(error, { status, statusCode: status, expose: true })
}

/** Whether an error says that its caller has to wait. */
export function isSlowDown(error: unknown): boolean {
  return error instanceof errors.OIDCProviderError && error.error === awayCode
}
