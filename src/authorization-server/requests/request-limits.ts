import type { IncomingMessage } from 'node:http'
import type { OpenRateLimit } from '../../limits/contract.ts'
import { callerNetwork } from '../caller-address.ts'
import type { Endpoint } from '../endpoints.ts'
import { errors } from '../library/library.ts'

/** How many requests with stored parameters are accepted per minute. */
export interface RequestLimitSettings {
  readonly perNetwork: number
  readonly total: number
}

interface LimitPorts {
  readonly rateLimit: OpenRateLimit
  readonly requestLimits: RequestLimitSettings
}

/** Limits requests of one kind that have something stored. */
export interface RequestLimit {
  /** Counts a request. Resolves to 0, or to the whole seconds to wait if there are too many. */
  take(req: IncomingMessage): Promise<number>
  /** Takes back a request that was counted. */
  forgive(req: IncomingMessage): Promise<void>
}

/** Limits requests of a kind: for each network of strangers, so that none uses up the total, and in total. */
export function requestLimit({ rateLimit, requestLimits }: LimitPorts, kind: string): RequestLimit {
  const { perNetwork, total } = requestLimits
  const ofNetwork = rateLimit({ name: `${kind}-from-network`, points: perNetwork, seconds: 60 })
  const ofAll = rateLimit({ name: kind, points: total, seconds: 60 })
  return {
    take: async (req) => (await ofNetwork.take(callerNetwork(req))) || (await ofAll.take('all')),
    async forgive(req) {
      await ofNetwork.forgive(callerNetwork(req))
      await ofAll.forgive('all')
    },
  }
}

/** Counts a request to an endpoint that stores something. Resolves to 0, or to the whole seconds to wait. */
export function endpointLimit(
  ports: LimitPorts,
): (endpoint: Endpoint, req: IncomingMessage) => Promise<number> {
  const requests = requestLimit(ports, 'authorizations')
  return async ({ stores }, req) => (stores === true ? requests.take(req) : 0)
}

const maxParameterBytes = 4 * 1024
/** The client's authentication: checked and forgotten, and an assertion may be long. */
const credentials = new Set(['client_assertion', 'client_assertion_type', 'client_secret'])

/**
 * Refuses parameters of an authorization request, in a URL or a form, that are too long to be stored for a
 * stranger. Throws InvalidRequest.
 */
export function refuseTooLong(encoded: string): void {
  let length = 0
  for (const [name, value] of new URLSearchParams(encoded))
    if (!credentials.has(name)) length += Buffer.byteLength(name) + Buffer.byteLength(value)
  if (length > maxParameterBytes)
    throw new errors.InvalidRequest('the parameters of the request are too long')
}
