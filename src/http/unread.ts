import type { ServerResponse } from 'node:http'

/** How long a client may read nothing of what waits for it: milliseconds. */
export const readPatience = 60_000

/** Ends an answer. A client that reads nothing of it for `patience` milliseconds is let go. */
export function endAnswer(res: ServerResponse, text?: string, patience = readPatience): void {
  res.end(text)
  // To Node each byte that the client takes is a sign of life; the next request on the connection has a time of its own.
  if (res.writableLength > 0) res.setTimeout(patience, () => res.destroy())
}

/**
 * Watches who reads a stream that goes on. The function that it returns is to be called after each write: a client that
 * does not read as much as one message of what waits for it in `patience` milliseconds is let go.
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
      if (res.writableEnded) return stop() // `endAnswer` sees to it
      const now = delivered()
      if (now === last) res.destroy()
      last = now
      return undefined
    }, patience).unref()
  }
}
