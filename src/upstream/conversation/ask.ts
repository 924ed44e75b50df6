import type { Refusal } from '../../core/errors.ts'
import type { Caller, Conversation } from './contract.ts'
import type { Json } from './json-rpc.ts'
import type { Sink } from './sink.ts'

/** Handles the messages that a virtual client gets. */
interface Receiver {
  readonly onMessage?: (message: Json) => void
  readonly onAnswer: (message: Json) => void
  readonly onFailure: (refusal: Refusal) => void
  /** The answer ended without a message. */
  readonly onEnd?: (status: number) => void
  readonly onOpen?: () => void
  readonly isClosed?: () => boolean
}

/** A sink that is not an HTTP answer, for what a server sends to the gateway itself. */
export function virtualSink(receiver: Receiver): Sink {
  return {
    open: () => receiver.onOpen?.(),
    push: (message) => receiver.onMessage?.(message as Json),
    finish: (message) => receiver.onAnswer(message as Json),
    end: (status) => receiver.onEnd?.(status),
    fail: (refusal) => receiver.onFailure(refusal),
    get closed() {
      return receiver.isClosed?.() ?? false
    },
  }
}

/** As whom the gateway asks by itself, on behalf of a caller: no client can cancel that by its id. */
export function byItself(caller: Caller): Caller {
  return { ...caller, owner: '' }
}

/** Sends a request of the gateway's own and waits for the answer. Rejects with a Refusal if there will be none. */
export function ask(conversation: Conversation, message: Json, caller: Caller): Promise<Json> {
  return new Promise((resolve, reject) => {
    const sink = virtualSink({ onAnswer: resolve, onFailure: reject })
    conversation.request(message, sink, byItself(caller))
  })
}
