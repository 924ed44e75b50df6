import type { IncomingMessage } from 'node:http'
import { Refusal } from '../core/errors.ts'

/** Checks the length that a request declares. Throws `body_too_large`. */
export function checkDeclaredLength(declared: string | undefined, limit: number): void {
  if (declared !== undefined && Number(declared) > limit) throw new Refusal('body_too_large', tooLarge(limit))
}

/**
 * Reads a request body of at most `limit` bytes, once. Throws `body_too_large` as soon as there is more. The
 * rest is discarded as it arrives, since a client that is still sending would not see the answer if the
 * connection were closed.
 */
export function readBody(req: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // Otherwise this would wait forever for events that have already happened.
    if (req.readableEnded) return reject(new Error('the body was read before'))
    // The listeners live as long as the request, which can be a stream, but the body and its promise must
    // not.
    let waiting: { resolve: typeof resolve; reject: typeof reject; chunks: Buffer[] } | undefined
    waiting = { resolve, reject, chunks: [] }
    let length = 0
    req.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length <= limit) waiting?.chunks.push(chunk)
      else {
        req.removeAllListeners('data').resume()
        waiting?.reject(new Refusal('body_too_large', tooLarge(limit)))
        waiting = undefined
      }
    })
    req.on('end', () => {
      if (waiting === undefined) return
      const { chunks } = waiting
      waiting.resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length))
      waiting = undefined
    })
    req.on('error', (cause) => waiting?.reject(new Refusal('request_aborted', { cause })))
    // Every request is closed in the end, and creating an error costs a stack trace.
    req.on('close', () => {
      if (!req.readableEnded) waiting?.reject(new Refusal('request_aborted'))
    })
  })
}

function tooLarge(limit: number): { explain: string } {
  return { explain: `the limit is ${limit} bytes` }
}
