import type { ServerResponse } from 'node:http'

/** How long a client may leave waiting data unread, in milliseconds. */
export const readPatience = 60_000

/** Ends an answer. A client that reads nothing of it for `patience` milliseconds is disconnected. */
export function endAnswer(res: ServerResponse, text?: string, patience = readPatience): void {
  res.end(text)
  // Node's timeout starts over with each byte that the client takes, and the next request on the connection
  // has its own.
  if (res.writableLength > 0) res.setTimeout(patience, () => res.destroy())
}

/**
 * Watches the reader of a stream that goes on. The returned function must be called after each write: a
 * client that reads less than one message of the waiting data in `patience` milliseconds is disconnected.
 */
export function watchReader(res: ServerResponse, patience = readPatience): () => void {
  let check: NodeJS.Timeout | undefined
  const stop = (): void => {
    clearInterval(check)
    check = undefined
  }
  res.on('drain', stop).once('close', stop)
  const delivered = (): number => (res.socket?.bytesWritten ?? 0) - res.writableLength
  return () => {
    if (!res.writableNeedDrain || check !== undefined) return
    let last = delivered()
    check = setInterval(() => {
      if (res.writableEnded) return stop() // `endAnswer` takes over
      const now = delivered()
      if (now === last) res.destroy()
      last = now
      return undefined
    }, patience).unref()
  }
}
