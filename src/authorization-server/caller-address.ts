import type { IncomingMessage } from 'node:http'
import { networkOf } from '../core/network.ts'
import { Provider } from './library/library.ts'

/** The client's address. The gateway writes it, and nobody else can reach this listener to forge it. */
export function addressOf(req: IncomingMessage): string {
  const forwarded = req.headers['x-forwarded-for']
  return typeof forwarded === 'string' ? forwarded : (req.socket.remoteAddress ?? '')
}

/** The network that limits count a request for. Default: the request that the library is answering. */
export function callerNetwork(req = Provider.ctx?.req): string {
  return req === undefined ? 'unknown' : networkOf(addressOf(req))
}
