import { Refusal } from '../../core/errors.ts'
import type { UpstreamReply } from '../contract.ts'

/** Where messages of a stdio server go: the answer to one HTTP request. */
export interface Sink {
  /** Begins an event stream before there is a message. */
  open(): void
  /** Sends a message that is not the last one: the answer becomes an event stream. */
  push(message: object): void
  /** Sends the last message and ends the answer: as JSON where nothing went before it. */
  finish(message: object): void
  /** Ends the answer without a message. */
  end(status: number): void
  /** Tells the client that no answer will come. */
  fail(refusal: Refusal): void
}

const maxUnreadBytes = 8 * 1024 * 1024

/** Makes the sink of one HTTP answer, and the promise of its end. `headers` go with its head, lower-case names. */
export function openSink(
  { res, accept }: UpstreamReply,
  headers: Readonly<Record<string, string>>,
): { sink: Sink; done: Promise<void> } {
  let streaming = false
  const { promise: done, resolve, reject } = Promise.withResolvers<void>()
  const begin = (status: number, type: Readonly<Record<string, string>>): void => {
    const head = accept(status, { ...headers, ...type })
    res.writeHead(head.status, head.headers as string[])
  }
  /** A client that is gone hears nothing; an answer that `accept` refuses becomes that refusal. */
  const attempt = (step: () => void): void => {
    if (res.closed || res.writableEnded) return
    try {
      step()
    } catch (error) {
      reject(error)
    }
  }
  const stream = (): void => {
    if (streaming) return
    begin(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    res.flushHeaders()
    streaming = true
  }
  res.once('close', resolve)
  const sink: Sink = {
    open: () => attempt(stream),
    push: (message) =>
      attempt(() => {
        stream()
        res.write(event(message))
        // A server cannot be held back through its pipe, so a client that does not read is let go.
        if (res.writableLength > maxUnreadBytes) res.destroy()
      }),
    finish: (message) =>
      attempt(() => {
        if (streaming) res.end(event(message))
        else {
          begin(200, { 'content-type': 'application/json' })
          res.end(JSON.stringify(message))
        }
      }),
    end: (status) =>
      attempt(() => {
        if (!streaming) begin(status, {})
        res.end()
      }),
    fail: (refusal) => {
      if (streaming) res.destroy()
      else reject(refusal)
    },
  }
  return { sink, done }
}

function event(message: object): string {
  return `event: message\ndata: ${JSON.stringify(message)}\n\n`
}
