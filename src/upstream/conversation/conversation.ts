import { Refusal } from '../../core/errors.ts'
import { idKey } from '../../mcp/lossless.ts'
import { metaKeys } from '../../mcp/meta-keys.ts'
import { newsOf } from '../../mcp/objects.ts'
import type { Era } from '../../mcp/revisions.ts'
import { endOfListening } from '../../mcp/subscriptions.ts'
import type { Channel, OpenChannel } from './channel.ts'
import type { Caller, Conversation } from './contract.ts'
import { asObject, callOf, type Json, metaOf, paramsOf } from './json-rpc.ts'
import { createListeners } from './listeners.ts'
import type { Sink } from './sink.ts'

interface Pending {
  readonly id: unknown
  readonly progressToken: unknown
  readonly sink: Sink
  readonly caller: Caller
  /** Whether it ends when its client disconnects, and sends something now and then. */
  readonly isSubscription: boolean
  /** Fires when the server shows no sign of life for this request. */
  readonly timer: NodeJS.Timeout
}

/** A request of the server. */
interface Question {
  readonly method: string
  /** When it was asked, in milliseconds of the monotonic clock. */
  readonly at: number
}

/** A conversation that knows on whose behalf the server is working. */
export interface Talk extends Conversation {
  /** The principals whose requests wait for an answer, without those who only listen. */
  readonly callers: ReadonlySet<string>
}

interface ConversationOptions {
  /** The era that both sides speak. */
  readonly era: Era
  /**
   * Whether several principals share this conversation. Only a stateless, and thus modern, server may be
   * shared.
   */
  readonly shared: boolean
  readonly open: OpenChannel
  /** The caller whose request opens it. */
  readonly caller: Caller
  /** How long the server may be silent about a request, or about a subscription before its first message. */
  readonly responseSeconds: number
  readonly onClosed: () => void
}

const maxAsked = 1000
const maxUnheard = 16
const maxUnheardLength = 64 * 1024
/** How long a client, and whoever uses it, may take to answer a question. */
const answerMilliseconds = 60 * 60_000
const { subscriptionId: subscriptionKey } = metaKeys
const cancelled = 'notifications/cancelled'

/**
 * Opens a channel and talks through it. Ids and progress tokens are replaced on the way in and restored on
 * the way out, so that requests from different connections, which may choose the same ones, never get each
 * other's answers.
 */
export function startConversation({
  era,
  shared,
  open,
  caller: opener,
  responseSeconds,
  onClosed,
}: ConversationOptions): Talk {
  const pending = new Map<number, Pending>()
  /** Requests of the server that wait for the client's answer. */
  const asked = new Map<unknown, Question>()
  const listeners = createListeners()
  /**
   * Requests and news of the server for which there is no stream, each once, by their text: some servers ask as soon
   * as the session is open, while the client is still opening one.
   */
  let unheard = new Map<string, Json>()
  let lastId = 0
  let closed = false

  const channel: Channel = open(
    {
      onMessage: (message, related) => receive(message, related),
      onFailure: fail,
      onUnheard: () => listeners.end(),
      onClosed(refusal) {
        if (closed) return
        closed = true
        for (const internal of pending.keys()) fail(internal, refusal)
        listeners.end()
        onClosed()
      },
    },
    opener.headers,
  )

  return {
    request(message, sink, caller) {
      const internal = ++lastId
      const meta = metaOf(paramsOf(message))
      const progressToken = meta?.['progressToken']
      const timer = setTimeout(() => giveUp(internal), responseSeconds * 1000).unref()
      const isSubscription = message['method'] === 'subscriptions/listen'
      pending.set(internal, { id: message['id'], progressToken, sink, caller, isSubscription, timer })
      message['id'] = internal
      if (meta !== undefined && progressToken !== undefined) meta['progressToken'] = internal
      try {
        channel.send(message, { headers: caller.headers, id: internal })
      } catch (error) {
        take(internal)
        throw error
      }
    },
    tell(message, caller) {
      if (message['method'] === cancelled) return cancelNamed(message, caller)
      if (message['method'] === undefined) {
        const key = idKey(message['id'])
        const question = asked.get(key)
        // An answer that nobody waits for could only be an attempt to answer for somebody else.
        if (question === undefined) return
        asked.delete(key)
        // From here on it is the server's turn again, which it has been all along if it only pings.
        if (question.method !== 'ping') for (const waiting of pending.values()) showLife(waiting)
      }
      channel.send(message, { headers: caller.headers, id: undefined })
    },
    cancel(sink, { headers }) {
      for (const [internal, waiting] of pending) {
        if (waiting.sink !== sink) continue
        take(internal)
        abandon(internal, headers)
      }
    },
    listen(sink, { headers }) {
      listeners.add(sink)
      channel.hear(headers)
      const missed = unheard
      unheard = new Map()
      for (const message of missed.values()) receiveCall(message, undefined)
      return () => {
        listeners.remove(sink)
        if (listeners.current === undefined) channel.unhear()
      }
    },
    get busy() {
      return [...pending.values()].some(({ sink }) => !sink.closed)
    },
    get callers() {
      const working = [...pending.values()].filter(({ isSubscription }) => !isSubscription)
      return new Set(working.map(({ caller }) => caller.principal))
    },
    get listened() {
      return listeners.current !== undefined
    },
    stop: () => channel.close(),
  }

  /** Ends the wait for an answer. */
  function take(internal: number): Pending | undefined {
    const waiting = pending.get(internal)
    clearTimeout(waiting?.timer)
    pending.delete(internal)
    return waiting
  }

  function fail(internal: number, refusal: Refusal): void {
    const waiting = take(internal)
    waiting?.sink.fail(refusal, waiting.id)
  }

  function abandon(
    internal: number,
    headers: readonly string[],
    notification = callOf(cancelled, { requestId: internal }),
  ): void {
    if (closed) return
    try {
      channel.abandon(internal, notification, headers)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error // a server that does not read cannot be told to cancel
    }
  }

  function giveUp(internal: number): void {
    // A server that waits for its client, for example for user input, is not silent.
    if ([...asked.values()].some(mayBeAnswered)) {
      pending.get(internal)?.timer.refresh()
      return
    }
    const headers = pending.get(internal)?.caller.headers ?? []
    fail(internal, new Refusal('upstream_timeout', { reason: `no sign of life in ${responseSeconds} s` }))
    abandon(internal, headers)
  }

  /** A client names a request by the id that it chose, so only its own requests are searched. */
  function cancelNamed(message: Json, { owner, headers }: Caller): void {
    const params = paramsOf(message)
    for (const [internal, { id, caller, sink }] of pending) {
      if (params === undefined || idKey(id) !== idKey(params['requestId']) || caller.owner !== owner) continue
      take(internal)
      params['requestId'] = internal
      abandon(internal, headers, message)
      // A client that cancels expects no answer: what it holds open for one ends.
      sink.open()
      sink.end(200)
      return
    }
  }

  function receive(message: Json, related: number | undefined): void {
    if (typeof message['method'] === 'string') return receiveCall(message, related)
    const internal = idKey(message['id']) as number
    const waiting = take(internal)
    if (waiting === undefined) return
    restoreSubscription(asObject(message['result']), internal, waiting)
    waiting.sink.finish({ ...message, id: waiting.id })
  }

  /**
   * Delivers a server's notification or request: to the request that it belongs to, or else to whoever
   * listens.
   */
  function receiveCall(message: Json, related: number | undefined): void {
    const params = paramsOf(message)
    if (message['method'] === cancelled) {
      if (endsSubscription(params)) return
      const withdrawn = idKey(params?.['requestId'])
      asked.delete(withdrawn)
      for (const [text, { id }] of unheard)
        if (id !== undefined && idKey(id) === withdrawn) unheard.delete(text)
    }
    const token = params?.['progressToken']
    const subscription = metaOf(params)?.[subscriptionKey]
    const internal = idKey(token ?? subscription ?? related) as number
    const waiting = pending.get(internal)
    // It belongs to a request that is over or, in a shared conversation, to an unknown principal.
    if (waiting === undefined && (token !== undefined || subscription !== undefined || shared)) return
    if (waiting !== undefined) {
      showLife(waiting)
      if (params !== undefined && token !== undefined) params['progressToken'] = waiting.progressToken
      restoreSubscription(params, internal, waiting)
    }
    const isQuestion = message['id'] !== undefined
    if (isQuestion && era === 'modern') return // a modern server asks in its results
    const sink = waiting?.sink ?? listeners.current ?? [...pending.values()].at(-1)?.sink
    if (sink === undefined) {
      if (isQuestion || newsOf.has(message['method'] as string)) keep(message)
      return
    }
    if (isQuestion) {
      if (asked.size >= maxAsked) return // a server that asks this much gets no answers
      asked.set(idKey(message['id']), { method: message['method'] as string, at: performance.now() })
      // Some clients send nothing, so not their answer either, while they wait for the head of another one.
      if (waiting === undefined) for (const other of pending.values()) other.sink.open()
    }
    sink.push(message)
  }

  /** Keeps a message for the next who listens; no server fills the memory by telling nobody. */
  function keep(message: Json): void {
    const text = JSON.stringify(message)
    if (unheard.size < maxUnheard && text.length <= maxUnheardLength) unheard.set(text, message)
  }

  /** Whether a modern server ends a subscription; over HTTP that is the answer to it (DEC1). */
  function endsSubscription(params: Json | undefined): boolean {
    if (era !== 'modern') return false
    const waiting = take(idKey(params?.['requestId']) as number)
    waiting?.sink.finish(endOfListening(waiting.id))
    return true
  }
}

function mayBeAnswered({ method, at }: Question): boolean {
  return method !== 'ping' && performance.now() - at < answerMilliseconds
}

function showLife({ isSubscription, timer }: Pending): void {
  if (isSubscription) clearTimeout(timer)
  else timer.refresh()
}

function restoreSubscription(holder: Json | undefined, internal: number, { id }: Pending): void {
  const meta = metaOf(holder)
  if (meta !== undefined && idKey(meta[subscriptionKey]) === internal) meta[subscriptionKey] = id
}
