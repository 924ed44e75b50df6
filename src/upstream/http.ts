import { Pool } from 'undici'
import { relay } from '../http/relay.ts'
import type { Connector } from './contract.ts'
import { closeCutStream } from './cut-stream.ts'

interface HttpConnectorOptions {
  readonly url: string
  readonly connectSeconds: number
  /** Time until the answer begins. A stream may then last as long as it likes. */
  readonly responseSeconds: number
}

const keepAliveMilliseconds = 4000

/** The way to a server that speaks Streamable HTTP. */
export function httpConnector({ url, connectSeconds, responseSeconds }: HttpConnectorOptions): Connector {
  const { origin, pathname, search } = new URL(url)
  const pool = new Pool(origin, {
    connect: { timeout: connectSeconds * 1000 },
    headersTimeout: responseSeconds * 1000,
    bodyTimeout: 0,
    keepAliveTimeout: keepAliveMilliseconds,
    pipelining: 1,
  })
  return {
    send(request, { res, accept }) {
      return relay({
        dispatcher: pool,
        request: {
          method: request.method,
          path: pathname + search,
          headers: request.headers as string[],
          body: request.body ?? null,
        },
        res,
        accept,
        // Legacy: a lost connection is no cancellation. Modern, and streams without a request: it is (MCP O14).
        onClientGone: request.era === 'legacy' && request.method === 'POST' ? 'drain' : 'abort',
        closeCutStream: (tail) => closeCutStream(tail, request.id),
      })
    },
    close: () => pool.destroy(),
  }
}
