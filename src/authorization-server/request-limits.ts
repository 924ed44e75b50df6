import type { IncomingMessage } from 'node:http'
import type { OpenRateLimit } from '../limits/contract.ts'
import type { Endpoint } from './endpoints.ts'
import { errors } from './library.ts'
import { callerAddress } from './registration/slow-down.ts'

/** How many requests whose parameters are kept are let in each minute. */
export interface RequestLimits {
  readonly perNetwork: number
  readonly total: number
}

/** Counts a request that has something kept. Resolves to 0, or to the whole seconds to wait where it is one too many. */
export function requestLimit({
  rateLimit,
  requestLimits: { perNetwork, total },
}: {
  readonly rateLimit: OpenRateLimit
  readonly requestLimits: RequestLimits
}): (endpoint: Endpoint, req: IncomingMessage) => Promise<number> {
  const ofNetwork = rateLimit({ name: 'authorizations-from-network', points: perNetwork, seconds: 60 })
  const ofAll = rateLimit({ name: 'authorizations', points: total, seconds: 60 })
  return async ({ keeps }, req) =>
    keeps === true ? (await ofNetwork.take(callerAddress(req))) || (await ofAll.take('all')) : 0
}

const maxParameterBytes = 4 * 1024
/** How a client proves who it is: looked at and forgotten, and an assertion may be long. */
const credentials = new Set(['client_assertion', 'client_assertion_type', 'client_secret'])

/**
 * Refuses parameters of an authorization request, in a URL or a form, that are too long to be kept for a stranger. Throws
 * InvalidRequest.
 */
export function refuseTooLong(encoded: string): void {
  let length = 0
  for (const [name, value] of new URLSearchParams(encoded))
    if (!credentials.has(name)) length += Buffer.byteLength(name) + Buffer.byteLength(value)
  if (length > maxParameterBytes)
    throw new errors.InvalidRequest('the parameters of the request are too long')
}
