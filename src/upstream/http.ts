import type { Dispatcher } from 'undici'
import { relay } from '../http/relay.ts'
import type { Connector, UpstreamRequest } from './contract.ts'
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
        closeCutStream: (tail) => closeCutStream(tail, request.id),
        ...(rewrite === undefined ? {} : { transform: (type) => rewriteAnswer(type, rewrite) }),
      })
    },
    close: async () => {},
  }
}

function headersOf({ headers, session }: UpstreamRequest): string[] {
  return session === undefined ? (headers as string[]) : [...headers, 'Mcp-Session-Id', session]
}
