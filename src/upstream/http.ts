import type { ServerResponse } from 'node:http'
import type { Dispatcher } from 'undici'
import { relay } from '../http/relay.ts'
import { isJsonObject } from '../mcp/json.ts'
import { parseLossless } from '../mcp/lossless.ts'
import type { Connector, Rewrite, UpstreamReply, UpstreamRequest } from './contract.ts'
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
    send(request, { res, accept, rewrite, onLeft }) {
      const body = bodyFor(request)
      if (body === 'nothing left') return answerNothing(res, accept)
      let toldPlace = false
      const { id } = request // what the functions below name lives as long as the stream, so not the request
      return relay({
        dispatcher,
        request: {
          origin,
          method: request.method,
          path: pathname + search,
          headers: headersOf(request),
          body,
        },
        res,
        accept,
        // Legacy: a lost connection is no cancellation. Modern, and streams without a request: it is (MCP O14).
        onClientGone: request.era === 'legacy' && request.method === 'POST' ? 'drain' : 'abort',
        onLeft,
        // Who was told a place in the stream comes back for the rest, and would take an error for the answer.
        closeCutStream: () => (toldPlace ? undefined : closeCutStream(id)),
        ...(rewrite === undefined
          ? {}
          : {
              transform: (type) =>
                rewriteAnswer(
                  type,
                  noticePlaces(rewrite, () => (toldPlace = true)),
                ),
            }),
      })
    },
    close: async () => {},
  }
}

/** The same, and `onPlace` when the client is told a place in the stream that the server lets it come back to. */
function noticePlaces(rewrite: Rewrite, onPlace: () => void): Rewrite {
  const { sealPlace } = rewrite
  if (sealPlace === undefined) return rewrite
  return {
    ...rewrite,
    sealPlace(place) {
      onPlace()
      return sealPlace(place)
    },
  }
}

/**
 * The body that the server gets. One that knows nobody's sessions could take the id in a message for that of anybody's request
 * (A37), so without a session cancellations are left out, of a batch as well. In the modern era, which has no sessions, a
 * client cancels by going away (MCP 2026-07-28, "Cancellation").
 */
function bodyFor({ body, cancels, session }: UpstreamRequest): Buffer | null | 'nothing left' {
  if (!cancels || session !== undefined) return body ?? null
  const sent = parseLossless(body?.toString() ?? '')
  const left = Array.isArray(sent) ? sent.filter((message) => !isCancellation(message)) : []
  return left.length === 0 ? 'nothing left' : Buffer.from(JSON.stringify(left))
}

function isCancellation(message: unknown): boolean {
  return isJsonObject(message) && message['method'] === 'notifications/cancelled'
}

async function answerNothing(res: ServerResponse, accept: UpstreamReply['accept']): Promise<void> {
  const { status, headers } = accept(202, {})
  res.writeHead(status, headers as string[]).end()
}

function headersOf({ headers, session }: UpstreamRequest): string[] {
  return session === undefined ? (headers as string[]) : [...headers, 'Mcp-Session-Id', session]
}
