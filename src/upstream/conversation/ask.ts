import { Refusal } from '../../core/errors.ts'
import { errorCodes } from '../../mcp/error-codes.ts'
import type { Caller, Conversation } from './contract.ts'
import { errorOf, type Json, resultOf } from './json-rpc.ts'
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

/**
 * Sends a request of the gateway's own and waits for the answer. Rejects with a Refusal if there will be none. What
 * the server asks in between gets its answer (MCP 2025-11-25, ping: a receiver must respond promptly).
 */
export function ask(conversation: Conversation, message: Json, caller: Caller): Promise<Json> {
  return new Promise((resolve, reject) => {
    const onMessage = (received: Json): void => answerServer(received, conversation, caller)
    const sink = virtualSink({ onMessage, onAnswer: resolve, onFailure: reject })
    conversation.request(message, sink, byItself(caller))
  })
}

/** Answers a request of the server in the gateway's name; a notification gets nothing. The message is untrusted. */
export function answerServer(message: Json, conversation: Conversation, caller: Caller): void {
  if (message['id'] === undefined) return
  try {
    conversation.tell(answerTo(message), caller)
  } catch (error) {
    // A server that does not read gets no answer. It must not be able to bring down the gateway by asking.
    if (!(error instanceof Refusal)) throw error
  }
}

/** The gateway declared no capabilities: a server that asks all the same gets an error, and goes on without. */
function answerTo({ id, method }: Json): Json {
  if (method === 'ping') return resultOf(id, {})
  return errorOf(id, errorCodes.methodNotFound, 'The client cannot be asked this way')
}
