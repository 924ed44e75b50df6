import { errorKinds, type Refusal } from '../../core/errors.ts'
import { beat } from '../../http/beat.ts'
import { signOfLife, writeEvent } from '../../http/event-stream.ts'
import { endAnswer, readPatience, watchReader } from '../../http/unread.ts'
import { errorCodes } from '../../mcp/error-codes.ts'
import type { Era } from '../../mcp/revisions.ts'
import type { UpstreamReply } from '../contract.ts'
import { changeMessages } from '../rewrite-answer.ts'
import { asObject, errorOf } from './json-rpc.ts'

/** Where a server's messages go: the answer to one HTTP request. */
export interface Sink {
  /** Begins an event stream before there is a message. */
  open(): void
  /** Sends a message that is not the last one, which turns the answer into an event stream. */
  push(message: object): void
  /** Sends the last message and ends the answer; as JSON if nothing was sent before. */
  finish(message: object): void
  /** Ends the answer without a message. */
  end(status: number): void
  /** Tells the client that no answer will come. `id` is that of its request, if there is one. */
  fail(refusal: Refusal, id?: unknown): void
  /** Whether nobody waits for the answer any more. */
  readonly closed: boolean
}

const heartbeatMilliseconds = 20_000
const maxUnreadBytes = 8 * 1024 * 1024

/**
 * Errors with their own status in the modern era (MCP 2026-07-28, transports). In the legacy era none has
 * one.
 */
const modernStatus: ReadonlyMap<unknown, number> = new Map([
  [errorCodes.invalidRequest, 400],
  [errorCodes.methodNotFound, 404],
  [errorCodes.headerMismatch, 400],
  [errorCodes.missingClientCapability, 400],
  [errorCodes.unsupportedProtocolVersion, 400],
])

/** The sink of one HTTP answer. */
interface OpenedSink {
  readonly sink: Sink
  /** Resolves when the answer has ended for the client. Rejects with the refusal if there is none, told or not. */
  readonly done: Promise<void>
  /** Resolves when there is nothing more to send, whether or not the client is still there. */
  readonly over: Promise<void>
}

/**
 * Makes the sink of one HTTP answer. `headers` are sent with its head, in lower case. A client that reads
 * nothing for `patience` milliseconds, or leaves too much unread, is disconnected.
 */
export function openSink(
  { res, accept, rewrite }: UpstreamReply,
  headers: Readonly<Record<string, string>>,
  era: Era,
  patience = readPatience,
): OpenedSink {
  let streaming = false
  const { promise: done, resolve, reject } = Promise.withResolvers<void>()
  const { promise: over, resolve: tellOver } = Promise.withResolvers<void>()
  const watch = watchReader(res, patience)
  const write = (text: string): void => {
    res.write(text)
    watch()
    // A server cannot be slowed down through its pipe, so a client that does not read is disconnected.
    if (res.writableLength > maxUnreadBytes) res.destroy()
  }
  const begin = (status: number, type: Readonly<Record<string, string>>): void => {
    const head = accept(status, { ...headers, ...type })
    res.writeHead(head.status, head.headers as string[])
  }
  /** Nothing is sent to a client that is gone; an answer that `accept` refuses becomes that refusal. */
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
    // A comment now and then keeps proxies from considering a silent stream dead (MCP O15).
    res.once(
      'close',
      beat(() => attempt(() => write(signOfLife)), heartbeatMilliseconds),
    )
  }
  if (res.closed) resolve()
  else res.once('close', resolve)
  const rewritten = (message: object): object | undefined =>
    rewrite === undefined ? message : (changeMessages(message, rewrite) as object | undefined)
  const finish = (answer: object): void => {
    tellOver()
    attempt(() => {
      const message = rewritten(answer)
      if (message === undefined) return sink.end(202)
      if (streaming) endAnswer(res, writeEvent(message), patience)
      else {
        begin(statusOf(message, era), { 'content-type': 'application/json' })
        endAnswer(res, JSON.stringify(message), patience)
      }
    })
  }
  const sink: Sink = {
    get closed() {
      return res.closed
    },
    open: () => attempt(stream),
    push: (sent) =>
      attempt(() => {
        const message = rewritten(sent)
        if (message === undefined) return
        stream()
        write(writeEvent(message))
      }),
    finish,
    end: (status) => {
      tellOver()
      attempt(() => {
        if (!streaming) begin(status, {})
        endAnswer(res, undefined, patience)
      })
    },
    fail: (refusal, id) => {
      tellOver()
      if (streaming && id !== undefined) finish(errorOf(id, errorKinds[refusal.code].rpc, refusal.message))
      else if (streaming) res.destroy()
      reject(refusal)
    },
  }
  return { sink, done, over }
}

/** The message is untrusted: its error may have any code. */
function statusOf(message: object, era: Era): number {
  if (era === 'legacy') return 200
  return modernStatus.get(asObject((message as { error?: unknown }).error)?.['code']) ?? 200
}
