import type { IncomingMessage, Server, ServerResponse } from 'node:http'

/** How long a client may leave waiting data unread, in milliseconds. */
export const readPatience = 60_000

/**
 * Disconnects a client that reads nothing of an answer for a minute, however short it is: what is left of it, and
 * all that is asked for behind it, would wait for as long as the client likes.
 */
export function watchAnswers(server: Pick<Server, 'prependListener'>): void {
  server.prependListener('request', (_req: IncomingMessage, res: ServerResponse) => {
    res.on('prefinish', awaitItsReader)
  })
}

/** One function for all answers, since each request has one. */
function awaitItsReader(this: ServerResponse): void {
  awaitReader(this, readPatience)
}

/** Ends an answer. A client that reads nothing of it for `patience` milliseconds is disconnected. */
export function endAnswer(res: ServerResponse, text?: string, patience = readPatience): void {
  res.end(text)
  awaitReader(res, patience)
}

/**
 * Node's timeout starts over whenever the system has taken more of an answer. Over TLS that is only known of all
 * that waits.
 */
function awaitReader(res: ServerResponse, patience: number): void {
  if (res.writableLength > 0) {
    res.setTimeout(patience, () => res.destroy())
    // Node ends the timeout with the answer only if the next request is not there already. First, since
    // afterwards the connection belongs to that one.
    res.prependOnceListener('finish', () => res.setTimeout(0))
  }
}

/**
 * Watches the reader of a stream that goes on, in the same way. The returned function must be called after each
 * write: a client that reads nothing of the waiting data for `patience` milliseconds is disconnected.
 */
export function watchReader(res: ServerResponse, patience = readPatience): () => void {
  let isWaiting = false
  const wait = (milliseconds: number): void => {
    isWaiting = milliseconds > 0
    res.setTimeout(milliseconds)
  }
  res.on('timeout', () => res.destroy()).on('drain', () => wait(0))
  return () => {
    if (res.writableNeedDrain && !isWaiting) wait(patience)
  }
}
