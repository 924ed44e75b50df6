import type { IncomingMessage } from 'node:http'
import { networkOf } from '../core/network.ts'
import { Provider } from './library.ts'

/** The client's address, which the gateway writes and nobody else can reach this listener to forge. */
export function addressOf(req: IncomingMessage): string {
  const forwarded = req.headers['x-forwarded-for']
  return typeof forwarded === 'string' ? forwarded : (req.socket.remoteAddress ?? '')
}

/** The network that limits count a request by: the one that the library is answering, unless another is given. */
export function callerNetwork(req = Provider.ctx?.req): string {
  return req === undefined ? 'unknown' : networkOf(addressOf(req))
}
