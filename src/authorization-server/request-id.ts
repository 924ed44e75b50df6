import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** The header in which the gateway passes on its request id. */
export const requestIdHeader = 'x-request-id'

const pattern = /^[\w-]{8,64}$/

/** The id of a request: the gateway's, or a new one if the request came another way. */
export function requestIdOf(req: IncomingMessage): string {
  const given = req.headers[requestIdHeader]
  if (typeof given === 'string' && pattern.test(given)) return given
  const made = randomUUID()
  req.headers[requestIdHeader] = made
  return made
}
