import { Refusal } from '../../core/errors.ts'
import { virtualSink } from '../conversation/ask.ts'
import type { Caller, Conversation } from '../conversation/contract.ts'
import { asObject, callOf, type Json, paramsOf } from '../conversation/json-rpc.ts'
import type { Sink } from '../conversation/sink.ts'
import { toLegacyNotification } from './to-legacy.ts'
import { toModernRequest } from './to-modern.ts'

/** What a legacy client wants to hear of. */
interface Wish {
  readonly conversation: Conversation
  readonly capabilities: Json
  readonly envelope: Json
  readonly uris: ReadonlySet<string>
  readonly caller: Caller
}

/** The `subscriptions/listen` request that stands behind the GET stream of a legacy client. */
export interface ChangeStream {
  /** Asks the server for what is wanted now, and drops what was asked for before. Resolves to the granted URIs. */
  renew(wish: Wish): Promise<ReadonlySet<string>>
  end(): void
}

const acknowledged = 'notifications/subscriptions/acknowledged'

/** Makes the stream of changes; `tell` gets each of them, and `onEnd` is called when the server ends the stream. */
export function changeStream(tell: (change: Json) => void, onEnd: () => void): ChangeStream {
  let current: { sink: Sink; conversation: Conversation; caller: Caller } | undefined

  const stop = (stream: typeof current): void => {
    stream?.conversation.cancel(stream.sink, stream.caller)
  }

  return {
    renew: ({ conversation, capabilities, envelope, uris, caller }) =>
      new Promise((resolve, reject) => {
        const earlier = current
        const notifications = filterFor(capabilities, uris)
        if (Object.keys(notifications).length === 0) {
          // A server would end a stream on which it has nothing to say; the client's stays open.
          current = undefined
          stop(earlier)
          return resolve(new Set())
        }
        const leave = (refusal?: Refusal): void => {
          reject(refusal ?? new Refusal('upstream_interrupted', { reason: 'the server ended its stream' }))
          if (current?.sink === sink) {
            current = undefined
            onEnd()
          }
        }
        const sink = virtualSink({
          onMessage(message) {
            if (message['method'] !== acknowledged) return tell(toLegacyNotification(message))
            stop(earlier)
            const granted = asObject(paramsOf(message)?.['notifications'])?.['resourceSubscriptions']
            resolve(new Set(Array.isArray(granted) ? (granted as string[]) : []))
          },
          onAnswer: () => leave(),
          onFailure: leave,
          onEnd: () => leave(),
        })
        current = { sink, conversation, caller }
        const call = callOf('subscriptions/listen', { notifications }, 'listen')
        conversation.request(toModernRequest(call, envelope), sink, caller)
        return undefined
      }),
    end() {
      const stream = current
      current = undefined
      stop(stream)
    },
  }
}

/** Everything that the server can tell of: a legacy client hears of changes without asking. */
function filterFor(capabilities: Json, uris: ReadonlySet<string>): Json {
  const tells = (name: string): boolean => asObject(capabilities[name])?.['listChanged'] === true
  return {
    ...(tells('tools') ? { toolsListChanged: true } : {}),
    ...(tells('prompts') ? { promptsListChanged: true } : {}),
    ...(tells('resources') ? { resourcesListChanged: true } : {}),
    ...(uris.size === 0 ? {} : { resourceSubscriptions: [...uris] }),
  }
}
