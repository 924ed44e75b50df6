import type { IncomingMessage } from 'node:http'
import type { Dispatcher } from 'undici'
import { Refusal } from '../core/errors.ts'
import type { Exchange } from '../http/exchange.ts'
import { type AnswerHeaders, relay } from '../http/relay.ts'
import { Pool } from '../http/undici.ts'

/** Passes requests on to the authorization server. */
export interface AuthorizationServerProxy {
  /** Rejects with `authorization_server_away`, usually before anything was sent to the client. */
  forward(exchange: Exchange): Promise<void>
  close(): Promise<void>
}

interface ProxyOptions {
  /** Where the authorization server listens; known by the time of the first request. */
  readonly url: () => string
  /** The host of the public URL, which is the only one that the authorization server ever sees. */
  readonly publicHost: string
  /**
   * Whether it may be gone between two requests, as one of several workers; if so, no connection is reused.
   */
  readonly changes: boolean
}

const connectionBound = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
/**
 * Headers in which a client could make claims about itself or its route; replaced by what the gateway
 * knows.
 */
const claims = new Set(['host', 'forwarded', 'x-real-ip', 'x-request-id', 'expect', 'content-length'])
const headersTimeout = 30_000
/** How long a client should wait before it tries again. */
const retryAfterSeconds = 5

/** Builds the proxy for everything that is not an MCP server. */
export function authorizationServerProxy({
  url,
  publicHost,
  changes,
}: ProxyOptions): AuthorizationServerProxy {
  let pool: Dispatcher | undefined
  const open = (): Dispatcher =>
    new Pool(url(), { headersTimeout, bodyTimeout: headersTimeout, pipelining: changes ? 0 : 1 })
  return {
    async forward(exchange) {
      const { req, res } = exchange
      await relay({
        dispatcher: (pool ??= open()),
        request: {
          method: req.method ?? 'GET',
          path: req.url ?? '/',
          headers: requestHeaders(exchange, publicHost),
          body: hasBody(req) ? req : null,
        },
        res,
        accept: (status, headers) => ({ status, headers: responseHeaders(exchange, headers) }),
        onClientGone: 'abort',
      }).catch((error: unknown) => {
        throw error instanceof Refusal ? away(error) : error
      })
    },
    close: async () => pool?.destroy(),
  }
}

/** The relay describes a server that does not answer as an MCP server. */
function away({ reason }: Refusal): Refusal {
  return new Refusal('authorization_server_away', { reason, retryAfterSeconds })
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function requestHeaders({ req, requestId, address }: Exchange, publicHost: string): string[] {
  const headers = ['host', publicHost, 'x-request-id', requestId, 'x-forwarded-for', address]
  const { rawHeaders } = req
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase()
    if (connectionBound.has(name) || claims.has(name) || name.startsWith('x-forwarded-')) continue
    headers.push(name, rawHeaders[index + 1] as string)
  }
  const length = req.headers['content-length']
  if (length !== undefined && hasBody(req)) headers.push('content-length', length)
  return headers
}

function responseHeaders({ baseHeaders }: Exchange, headers: AnswerHeaders): string[] {
  const passed = [...baseHeaders]
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || connectionBound.has(name) || name === 'x-request-id') continue
    for (const one of [value].flat()) passed.push(name, one)
  }
  return passed
}
