import type { Refusal } from '../../core/errors.ts'
import { errorCodes } from '../../mcp/error-codes.ts'
import { metaKeys } from '../../mcp/meta-keys.ts'
import { endOfListening, mostSubscribed } from '../../mcp/subscriptions.ts'
import { ask } from '../conversation/ask.ts'
import type { Caller, Conversation } from '../conversation/contract.ts'
import { asObject, callOf, errorOf, type Json, metaOf, paramsOf } from '../conversation/json-rpc.ts'
import type { Sink } from '../conversation/sink.ts'
import { announcedBy, filterFor } from './listen-filter.ts'

interface Subscription {
  readonly id: unknown
  readonly sink: Sink
  readonly kinds: ReadonlySet<string>
  readonly uris: ReadonlySet<string>
}

const updated = 'notifications/resources/updated'

/** The `subscriptions/listen` streams of modern clients over one session of a legacy server. */
export interface Subscriptions {
  /** Opens a stream: first acknowledges what the server announces. */
  add(
    message: Json,
    sink: Sink,
    server: { conversation: Conversation; capabilities: Json },
    caller: Caller,
  ): Promise<void>
  /** Delivers a notification to everyone who subscribed to it. */
  publish(message: Json): void
  /** The client of a stream has disconnected. Returns whether there was such a stream. */
  remove(sink: Sink, conversation: Conversation | undefined, caller: Caller): boolean
  /** Ends every stream with its result, as the HTTP transport requires (DEC1). */
  endAll(): void
  readonly size: number
}

/** Makes the streams of one session; initially there are none. */
export function createSubscriptions(): Subscriptions {
  const open = new Map<Sink, Subscription>()

  const isWanted = (uri: string): boolean => [...open.values()].some(({ uris }) => uris.has(uri))

  const unsubscribe = (uris: Iterable<string>, conversation: Conversation, caller: Caller): void => {
    for (const uri of uris) {
      if (isWanted(uri)) continue
      // Whether it succeeds makes no difference, since nobody is notified any more.
      ask(conversation, callOf('resources/unsubscribe', { uri }, uri), caller).catch(() => {})
    }
  }

  return {
    async add(message, sink, { conversation, capabilities }, caller) {
      const id = message['id']
      const filter = asObject(paramsOf(message)?.['notifications']) ?? {}
      const wanted = [...new Set(stringsIn(filter['resourceSubscriptions']))]
      if (wanted.length > mostSubscribed) {
        return sink.finish(
          errorOf(id, errorCodes.invalidParams, `at most ${mostSubscribed} resources can be subscribed to`),
        )
      }
      const canSubscribe = asObject(capabilities['resources'])?.['subscribe'] === true
      const uris = canSubscribe ? await subscribe(wanted, conversation, caller) : []
      const kinds = announcedBy(capabilities).filter(({ entry }) => filter[entry] === true)
      const subscription: Subscription = {
        id,
        sink,
        kinds: new Set(kinds.map(({ method }) => method)),
        uris: new Set(uris),
      }
      if (sink.closed) return unsubscribe(uris, conversation, caller)
      const notifications = filterFor(kinds, uris)
      sink.push(stamped(callOf('notifications/subscriptions/acknowledged', { notifications }), id))
      if (kinds.length === 0 && uris.length === 0) return finish(subscription)
      open.set(sink, subscription)
      return undefined
    },
    publish(message) {
      const uri = paramsOf(message)?.['uri']
      for (const { id, sink, kinds, uris } of open.values()) {
        const concerned =
          message['method'] === updated ? uris.has(uri as string) : kinds.has(message['method'] as string)
        if (concerned) sink.push(stamped(message, id))
      }
    },
    remove(sink, conversation, caller) {
      const subscription = open.get(sink)
      open.delete(sink)
      if (subscription === undefined) return false
      if (conversation !== undefined) unsubscribe(subscription.uris, conversation, caller)
      return true
    },
    endAll() {
      const ended = [...open.values()]
      open.clear()
      for (const subscription of ended) finish(subscription)
    },
    get size() {
      return open.size
    },
  }
}

/** Subscribes to what the server supports, and returns what that was. */
async function subscribe(
  uris: readonly string[],
  conversation: Conversation,
  caller: Caller,
): Promise<string[]> {
  const answers = await Promise.all(
    uris.map((uri) =>
      ask(conversation, callOf('resources/subscribe', { uri }, uri), caller).catch((refusal: Refusal) => ({
        error: refusal.message,
      })),
    ),
  )
  return uris.filter((_, index) => answers[index]?.['error'] === undefined)
}

function finish({ id, sink }: Subscription): void {
  sink.finish(endOfListening(id))
}

function stamped(message: Json, id: unknown): Json {
  const params = paramsOf(message)
  return { ...message, params: { ...params, _meta: { ...metaOf(params), [metaKeys.subscriptionId]: id } } }
}

function stringsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}
