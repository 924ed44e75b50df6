import type { ServerResponse } from 'node:http'
import type { Dispatcher } from 'undici'
import { isJsonObject } from '../core/json-object.ts'
import { relay } from '../http/relay.ts'
import { parseLossless } from '../mcp/lossless.ts'
import type { Connector, Rewrite, UpstreamReply, UpstreamRequest } from './contract.ts'
import { closeCutStream } from './cut-stream.ts'
import { rewriteAnswer } from './rewrite-answer.ts'

interface HttpConnectorOptions {
  readonly url: string
  readonly dispatcher: Dispatcher
}

/** The connector for a server that speaks Streamable HTTP in the client's era: bytes in, bytes out. */
export function httpConnector({ url, dispatcher }: HttpConnectorOptions): Connector {
  const { origin, pathname, search } = new URL(url)
  return {
    send(request, { res, accept, rewrite, onLeft }) {
      const body = bodyFor(request)
      if (body === 'nothing left') return answerNothing(res, accept)
      let toldPlace = false
      const { id } = request // the closures below live as long as the stream, so they must not capture the request
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
        // Legacy: a lost connection is not a cancellation. Modern, and streams without a request: it is
        // (MCP O14).
        onClientGone: request.era === 'legacy' && request.method === 'POST' ? 'drain' : 'abort',
        onLeft,
        // A client that was told a position in the stream comes back for the rest, if that can be read, and
        // would take an error for the answer.
        closeCutStream:
          id === undefined
            ? undefined
            : (last, isReadable) => {
                if (!isReadable) return closeCutStream(id, last, 'upstream_invalid')
                return toldPlace ? undefined : closeCutStream(id, last, 'upstream_interrupted')
              },
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

/**
 * The same rewrite, which also calls `onPlace` when the client is told a position at which the server lets it
 * resume the stream.
 */
function noticePlaces(rewrite: Rewrite, onPlace: () => void): Rewrite {
  const { sealPlace } = rewrite
  if (sealPlace === undefined) return rewrite
  return {
    ...rewrite,
    sealPlace(place) {
      const sealed = sealPlace(place)
      if (sealed !== undefined) onPlace()
      return sealed
    },
  }
}

/**
 * The body that the server gets. A server without sessions could take the id in a cancellation for that of
 * anybody's request (A37), so without a session cancellations are left out, also from a batch. In the modern
 * era, which has no sessions, a client cancels by disconnecting (MCP 2026-07-28, "Cancellation").
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
