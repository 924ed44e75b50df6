import type { errors } from 'undici'
import { type ErrorCode, Refusal } from '../core/errors.ts'

const refusals: Readonly<Record<string, ErrorCode>> = {
  UND_ERR_HEADERS_TIMEOUT: 'upstream_timeout',
  UND_ERR_BODY_TIMEOUT: 'upstream_timeout',
  UND_ERR_HEADERS_OVERFLOW: 'upstream_invalid',
  UND_ERR_SOCKET: 'upstream_interrupted',
  ECONNRESET: 'upstream_interrupted',
  EPIPE: 'upstream_interrupted',
  UND_ERR_DESTROYED: 'gateway_interrupted',
}

/** Turns an undici error into the refusal that the client gets. */
export function transportRefusal(error: Error & Partial<errors.UndiciError>): Refusal {
  const code = error.code ?? error.name
  const kind = error.name === 'HTTPParserError' ? 'upstream_invalid' : refusals[code]
  return new Refusal(kind ?? 'upstream_unreachable', { reason: `${code}: ${error.message}`, cause: error })
}
