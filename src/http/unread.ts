import type { ServerResponse } from 'node:http'

/** How long a client may leave waiting data unread, in milliseconds. */
export const readPatience = 60_000

/**
 * Ends an answer. A client that reads nothing of it for `patience` milliseconds is disconnected: Node's timeout
 * starts over whenever the system has taken more of it. Over TLS that is only known of all that waits.
 */
export function endAnswer(res: ServerResponse, text?: string, patience = readPatience): void {
  res.end(text)
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
