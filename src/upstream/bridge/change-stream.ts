import { Refusal } from '../../core/errors.ts'
import { byItself, virtualSink } from '../conversation/ask.ts'
import type { Caller, Conversation } from '../conversation/contract.ts'
import { asObject, callOf, type Json, paramsOf } from '../conversation/json-rpc.ts'
import type { Sink } from '../conversation/sink.ts'
import { announcedBy, filterFor } from './listen-filter.ts'
import { toLegacyNotification } from './to-legacy.ts'
import { toModernRequest } from './to-modern.ts'

/** What a legacy client wants to be notified of. */
interface Wish {
  readonly conversation: Conversation
  readonly capabilities: Json
  readonly envelope: Json
  readonly uris: ReadonlySet<string>
  readonly caller: Caller
}

/** The `subscriptions/listen` request behind the GET stream of a legacy client. */
export interface ChangeStream {
  /**
   * Asks the server for what is wanted now, in place of the previous request. Resolves to the granted URIs.
   */
  renew(wish: Wish): Promise<ReadonlySet<string>>
  end(): void
}

const acknowledged = 'notifications/subscriptions/acknowledged'

/** One request to the server, which is replaced by another one when what is wanted changes. */
interface Listening extends Wish {
  readonly sink: Sink
  /** Tells the caller who waits for the acknowledgement how it ended; does nothing the second time. */
  readonly settle: (outcome: ReadonlySet<string> | Refusal) => void
  /** Stays open until this one is acknowledged. */
  earlier: Listening | undefined
}

/**
 * Creates the stream of changes; `tell` is called with each change, and `onEnd` when the server ends the
 * stream.
 */
export function changeStream(tell: (change: Json) => void, onEnd: () => void): ChangeStream {
  let current: Listening | undefined

  /** Otherwise, a caller waiting for a request that is given up would never get an answer. */
  const stop = (last: Listening | undefined, outcome: ReadonlySet<string> | Refusal): void => {
    for (let one = last; one !== undefined; one = one.earlier) {
      one.conversation.cancel(one.sink, one.caller)
      one.settle(outcome)
    }
  }

  return {
    async renew(wish) {
      const { conversation, capabilities, envelope, uris, caller } = wish
      // Everything that the server can notify of, since a legacy client is notified of changes without asking.
      const notifications = filterFor(announcedBy(capabilities), [...uris])
      if (Object.keys(notifications).length === 0) {
        // A server would end a stream on which it has nothing to say; the client's stays open.
        const earlier = current
        current = undefined
        stop(earlier, new Set())
        return new Set()
      }
      const { promise, resolve, reject } = Promise.withResolvers<ReadonlySet<string>>()
      const leave = (
        refusal = new Refusal('upstream_interrupted', { reason: 'the server ended its stream' }),
      ): void => {
        reject(refusal)
        if (current !== listening) return
        current = undefined
        stop(listening.earlier, refusal)
        onEnd()
      }
      const sink = virtualSink({
        onMessage(message) {
          if (message['method'] !== acknowledged) return tell(toLegacyNotification(message))
          const named = asObject(paramsOf(message)?.['notifications'])?.['resourceSubscriptions']
          const granted = new Set(Array.isArray(named) ? (named as string[]) : [])
          stop(listening.earlier, granted)
          listening.earlier = undefined
          resolve(granted)
        },
        onAnswer: () => leave(),
        onFailure: leave,
        onEnd: () => leave(),
      })
      const settle = (outcome: ReadonlySet<string> | Refusal): void =>
        outcome instanceof Refusal ? reject(outcome) : resolve(outcome)
      const listening: Listening = { ...wish, sink, settle, earlier: current }
      current = listening
      const call = callOf('subscriptions/listen', { notifications }, 'listen')
      conversation.request(toModernRequest(call, envelope), sink, byItself(caller))
      return promise
    },
    end() {
      const last = current
      current = undefined
      if (last !== undefined) stop(last, last.uris)
    },
  }
}
