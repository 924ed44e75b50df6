import type { Json } from './json-rpc.ts'
import type { Sink } from './sink.ts'

/** On whose behalf a message is sent. */
export interface Caller {
  /** Separates those who must not reach each other's requests: a principal, or one session of a principal. */
  readonly owner: string
  /** Whose request it is: the same string for the same issuer, subject and client. */
  readonly principal: string
  /** Headers that go with the message if it travels over HTTP: the gateway's credential, tracing. */
  readonly headers: readonly string[]
}

/**
 * A conversation with one server, with the requests that wait for its answers. Messages passed to it may be
 * changed.
 */
export interface Conversation {
  /** Sends a request; everything that belongs to it goes to the sink, the answer last. */
  request(message: Json, sink: Sink, caller: Caller): void
  /** Sends a notification or a response. */
  tell(message: Json, caller: Caller): void
  /** Cancels what a sink waits for, since its client has disconnected. */
  cancel(sink: Sink, caller: Caller): void
  /** Opens the stream for messages that belong to no request. Returns a function that closes it. */
  listen(sink: Sink, caller: Caller): () => void
  /** Whether a request waits for its answer, or something would be lost that its client relies on. */
  readonly busy: boolean
  /** Whether somebody has a stream open for messages that belong to no request. */
  readonly listened: boolean
  stop(): Promise<void>
}
