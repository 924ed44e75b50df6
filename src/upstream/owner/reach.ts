import { Refusal } from '../../core/errors.ts'
import { relay } from '../../http/relay.ts'
import { Pool } from '../../http/undici.ts'
import type { Connector, UpstreamRequest } from '../contract.ts'
import { closeCutStream } from '../cut-stream.ts'
import { rewriteAnswer } from '../rewrite-answer.ts'
import { frame, readRefusal, refusalHeader } from './frame.ts'

/** The connection to another process of ours. */
export interface OwnerReach {
  send(way: string, request: UpstreamRequest, reply: Parameters<Connector['send']>[1]): Promise<void>
  close(): Promise<void>
}

/** Reaches the process that serves its conversations at a socket. What it refuses is refused here too. */
export function reachOwner(socketPath: string): OwnerReach {
  // A new connection for each request, since the process at the other end may be replaced in between.
  const dispatcher = new Pool('http://worker', {
    socketPath,
    pipelining: 0,
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  return {
    send(way, request, { res, accept, rewrite, onLeft }) {
      const { id } = request // the closures below live as long as the stream, so they must not capture the request
      return relay({
        dispatcher,
        request: { method: 'POST', path: '/', body: frame(way, request) },
        res,
        accept(status, headers) {
          const refused = headers[refusalHeader]
          if (typeof refused === 'string') throw readRefusal(refused)
          if (status >= 500) throw new Refusal('internal', { reason: `another worker answered ${status}` })
          return accept(status, headers)
        },
        // As with a server over HTTP: in the legacy era a lost connection is not a cancellation (MCP O14).
        onClientGone: request.era === 'legacy' && request.method === 'POST' ? 'drain' : 'abort',
        onLeft,
        closeCutStream:
          id === undefined
            ? undefined
            : (last, isReadable) =>
                closeCutStream(id, last, isReadable ? 'gateway_interrupted' : 'upstream_invalid'),
        refusalFor: lostOwner,
        ...(rewrite === undefined ? {} : { transform: (type) => rewriteAnswer(type, rewrite) }),
      })
    },
    close: () => dispatcher.destroy(),
  }
}

/** The process at the other end is gone, which says nothing about the server. */
function lostOwner(cause: Error): Refusal {
  const reason = `the worker that holds this caller's conversations is gone: ${cause.message}`
  return new Refusal('gateway_interrupted', { reason, cause })
}
