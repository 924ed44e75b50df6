import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Head, readHead } from './head.ts'

/** One request and its response, with what has been parsed of it. */
export interface Exchange {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** The path of the request target, without the query, byte for byte. */
  readonly path: string
  /** The query without its question mark, or the empty string. */
  readonly query: string
  /** Emptied once a stream is open that may last. */
  head: Head
  readonly requestId: string
  /** When it began, as of `performance.now()`. */
  readonly began: number
  /** The address of the client: the other end of the connection, or what a trusted proxy says. */
  readonly address: string
  /**
   * Headers that every response carries, alternating names and values: the request id, and CORS if it
   * applies.
   */
  readonly baseHeaders: string[]
}

const noHead = readHead([])

/**
 * Releases the headers that a client sent for a stream, including its token, since the stream may be open for
 * hours.
 */
export function forgetHead(exchange: Exchange): void {
  exchange.head = noHead
  exchange.req.headers = {}
  exchange.req.rawHeaders = []
}

/** Splits a request target into path and query. The target is untrusted. */
export function splitTarget(target: string): { path: string; query: string } {
  const mark = target.indexOf('?')
  return mark === -1
    ? { path: target, query: '' }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) }
}

/** Sends a JSON document. `headers` alternates names and values. */
export function sendJson(
  exchange: Exchange,
  status: number,
  document: unknown,
  headers: readonly string[] = [],
): void {
  const body = JSON.stringify(document)
  exchange.res.writeHead(status, [
    ...exchange.baseHeaders,
    'Content-Type',
    'application/json',
    'Content-Length',
    String(Buffer.byteLength(body)),
    ...headers,
  ])
  exchange.res.end(body)
}
