import type { IncomingMessage, ServerResponse } from 'node:http'
import { Refusal } from '../core/errors.ts'
import { pageHeaders } from '../http/page.ts'
import { stylesheet } from '../http/stylesheet.ts'
import { requestIdOf } from './request-id.ts'

/** Sends an OAuth error document. */
export function sendError(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  error: { readonly code: string; readonly description: string },
): void {
  const description = `${error.description} (request ${requestIdOf(req)})`
  res.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
  res.end(JSON.stringify({ error: error.code, error_description: description }))
}

/** Sends what a thrown error means: a Refusal as it says, everything else as a fault of ours. */
export function answerError(
  error: unknown,
  req: IncomingMessage,
  res: ServerResponse,
  onFault: (error: unknown) => void,
): void {
  if (!(error instanceof Refusal)) onFault(error)
  if (res.headersSent) res.destroy()
  else if (error instanceof Refusal) {
    // What was not read of the request must not be taken for the next one.
    if (error.status === 413) res.setHeader('Connection', 'close')
    sendError(req, res, error.status, { code: error.code, description: error.message })
  } else sendError(req, res, 500, { code: 'server_error', description: 'something went wrong' })
}

/** Sends a page that was rendered before. */
export function sendPage(res: ServerResponse, page: string): void {
  res.writeHead(200, pageHeaders).end(page)
}

/** Sends the style sheet, whose name changes with its content. */
export function sendStylesheet(res: ServerResponse): void {
  res.writeHead(200, {
    'Content-Type': 'text/css; charset=utf-8',
    'Cache-Control': 'public, max-age=31536000, immutable',
  })
  res.end(stylesheet)
}
