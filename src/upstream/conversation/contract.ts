import type { Json } from './json-rpc.ts'
import type { Sink } from './sink.ts'

/** For whom a message is sent. */
export interface Caller {
  /** Tells apart those who must not reach each other's requests: a principal, or one session of a principal. */
  readonly owner: string
  /** Whose request it is: the same text for the same issuer, subject and client. */
  readonly principal: string
  /** What goes with the message where it travels over HTTP: the gateway's credential, tracing. */
  readonly headers: readonly string[]
}

/** A running talk with one server and the requests that wait for its answers. Messages given to it may be changed. */
export interface Conversation {
  /** Sends a request; what belongs to it goes to the sink, the answer last. */
  request(message: Json, sink: Sink, caller: Caller): void
  /** Sends a notification or a response. */
  tell(message: Json, caller: Caller): void
  /** Cancels what a sink waits for: its client is gone. */
  cancel(sink: Sink, caller: Caller): void
  /** The stream for messages that belong to no request. Returns how to close it. */
  listen(sink: Sink, caller: Caller): () => void
  /** Whether a request waits for its answer, or something would be lost that its client counts on. */
  readonly busy: boolean
  /** Whether somebody holds a stream for messages that belong to no request. */
  readonly listened: boolean
  stop(): Promise<void>
}
