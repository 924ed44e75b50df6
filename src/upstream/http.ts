import type { ServerResponse } from 'node:http'
import type { Dispatcher } from 'undici'
import { relay } from '../http/relay.ts'
import type { Connector, UpstreamReply, UpstreamRequest } from './contract.ts'
import { closeCutStream } from './cut-stream.ts'
import { rewriteAnswer } from './rewrite-answer.ts'

interface HttpConnectorOptions {
  readonly url: string
  readonly dispatcher: Dispatcher
}

/** The way to a server that speaks Streamable HTTP in the era of the client: bytes in, bytes out. */
export function httpConnector({ url, dispatcher }: HttpConnectorOptions): Connector {
  const { origin, pathname, search } = new URL(url)
  return {
    send(request, { res, accept, rewrite }) {
      if (request.cancels && request.session === undefined) return dropCancellation(res, accept)
      const { id } = request // what the functions below name lives as long as the stream, so not the request
      return relay({
        dispatcher,
        request: {
          origin,
          method: request.method,
          path: pathname + search,
          headers: headersOf(request),
          body: request.body ?? null,
        },
        res,
        accept,
        // Legacy: a lost connection is no cancellation. Modern, and streams without a request: it is (MCP O14).
        onClientGone: request.era === 'legacy' && request.method === 'POST' ? 'drain' : 'abort',
        closeCutStream: () => closeCutStream(id),
        ...(rewrite === undefined ? {} : { transform: (type) => rewriteAnswer(type, rewrite) }),
      })
    },
    close: async () => {},
  }
}

/**
 * A server that knows nobody's sessions could take the id in a message for that of anybody's request (A37). In the modern
 * era, which has no sessions, a client cancels by going away (MCP 2026-07-28, "Cancellation").
 */
async function dropCancellation(res: ServerResponse, accept: UpstreamReply['accept']): Promise<void> {
  const { status, headers } = accept(202, {})
  res.writeHead(status, headers as string[]).end()
}

function headersOf({ headers, session }: UpstreamRequest): string[] {
  return session === undefined ? (headers as string[]) : [...headers, 'Mcp-Session-Id', session]
}
