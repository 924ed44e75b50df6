import { networkOf } from '../../core/network.ts'
import { errors, Provider } from '../library.ts'
import { awayCode } from '../notes.ts'
import { addressOf } from '../observe.ts'

/** The error for a caller that has to wait: `temporarily_unavailable` with `Retry-After`, in whole seconds. */
export function slowDown(status: 429 | 503, description: string, seconds: number): Error {
  Provider.ctx?.set('Retry-After', String(seconds))
  const error = new errors.CustomOIDCProviderError(awayCode, description)
  return Object.assign(error, { status, statusCode: status, expose: true })
}

/** Whether an error says that its caller has to wait. */
export function isSlowDown(error: unknown): boolean {
  return error instanceof errors.OIDCProviderError && error.error === awayCode
}

/** The network from which the request comes that the library is answering; the gateway has written its address. */
export function callerAddress(req = Provider.ctx?.req): string {
  return req === undefined ? 'unknown' : networkOf(addressOf(req))
}
