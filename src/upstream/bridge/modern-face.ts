import { Refusal, toRefusal } from '../../core/errors.ts'
import { metaKeys } from '../../mcp/meta-keys.ts'
import { answerServer, ask, virtualSink } from '../conversation/ask.ts'
import type { Caller, Conversation } from '../conversation/contract.ts'
import { asObject, callOf, type Json, metaOf, paramsOf, resultOf } from '../conversation/json-rpc.ts'
import type { Sink } from '../conversation/sink.ts'
import { type Implementation, initializeCall } from '../probe/questions.ts'
import { toModernError } from './errors.ts'
import { severityOf } from './log-levels.ts'
import { unbridgeable } from './refuse.ts'
import { createSubscriptions } from './subscriptions.ts'
import { toLegacyRequest } from './to-legacy.ts'
import { toDiscoverResult, toModernResult } from './to-modern.ts'

interface ModernFaceOptions {
  /** Starts a conversation with the legacy server. */
  readonly start: (caller: Caller, onClosed: () => void) => Conversation
  readonly self: Implementation
  readonly onClosed: () => void
}

/** An open session of the legacy server. */
interface Opened {
  readonly conversation: Conversation
  /** The result of `initialize`. */
  readonly initialized: Json
}

/** A request, with the sink that waits for its answer. */
interface Turn {
  readonly message: Json
  readonly sink: Sink
  readonly caller: Caller
}

/** Where log messages for a request go, and the least severe that it wants; undefined if it wants none. */
interface LogReader {
  readonly sink: Sink
  readonly least: number | undefined
}

/** A request at the server. */
interface Running extends LogReader {
  readonly inner: Sink
  /** The session that it is in. */
  readonly conversation: Conversation
}

/**
 * The face of a legacy server towards the modern requests of one principal. It holds a session, which is
 * opened when it is first needed, and again when the server has forgotten it. To the server it is a client
 * without capabilities, so that the server never has a reason to ask it anything.
 */
export function modernFace({ start, self, onClosed }: ModernFaceOptions): Conversation {
  const subscriptions = createSubscriptions()
  const running = new Map<Sink, Running>()
  let session: Promise<Opened> | undefined
  let current: Conversation | undefined
  let level: number | undefined
  let hears = false

  const open = async (caller: Caller): Promise<Opened> => {
    const conversation = start(caller, () => lose(conversation))
    current = conversation
    hears = false
    level = undefined
    const answer = await ask(conversation, initializeCall(self, 'initialize'), caller)
    const initialized = asObject(answer['result'])
    if (initialized === undefined) {
      throw new Refusal('upstream_invalid', { reason: 'the server refused to open a session' })
    }
    conversation.tell(callOf('notifications/initialized', undefined), caller)
    return { conversation, initialized }
  }

  const ensure = (caller: Caller): Promise<Opened> => {
    session ??= open(caller).catch((error: unknown) => {
      session = undefined
      void current?.stop()
      throw error
    })
    return session
  }

  const lose = (conversation: Conversation): void => {
    if (current !== conversation) return
    current = undefined
    session = undefined
    subscriptions.endAll()
  }

  /**
   * What the server received before it forgot the session may still be answered, and must not be repeated.
   */
  const stopIfLost = (conversation: Conversation): void => {
    if (current !== conversation && !conversation.busy) void conversation.stop()
  }

  /**
   * Listens for what belongs to no request. If this stream ends, so do the subscriptions, and clients
   * subscribe again.
   */
  const hear = (conversation: Conversation, caller: Caller): void => {
    if (hears) return
    hears = true
    const onEnd = (): void => {
      if (current !== conversation) return // a session that is over says nothing about the one that is open
      hears = false
      subscriptions.endAll()
    }
    const onMessage = (message: Json): void => receive(message, conversation, undefined, caller)
    conversation.listen(virtualSink({ onMessage, onAnswer() {}, onFailure: onEnd, onEnd }), caller)
  }

  const receive = (
    message: Json,
    conversation: Conversation,
    request: LogReader | undefined,
    caller: Caller,
  ): void => {
    if (message['id'] !== undefined) return answerServer(message, conversation, caller)
    if (request === undefined && current !== conversation) return undefined
    const { method } = message
    if (method === 'notifications/progress') return request?.sink.push(message)
    if (method !== 'notifications/message') return subscriptions.publish(message)
    // Only requests that ask for log messages get any (MCP O16).
    const severity = severityOf(paramsOf(message)?.['level'])
    const wants = ({ least }: LogReader): boolean =>
      least !== undefined && severity !== undefined && severity >= least
    // Over some channels a server cannot say which request it is working on.
    const reader =
      request ?? [...running.values()].findLast((one) => one.conversation === conversation && wants(one))
    if (reader !== undefined && wants(reader)) reader.sink.push(message)
  }

  const setLevel = (opened: Opened, logLevel: unknown, caller: Caller): void => {
    const severity = severityOf(logLevel)
    const capabilities = asObject(opened.initialized['capabilities'])
    if (severity === undefined || asObject(capabilities?.['logging']) === undefined) return
    if (level !== undefined && level <= severity) return
    level = severity
    // The session stays at the most verbose level that anyone asked for; surplus messages are dropped here.
    const call = callOf('logging/setLevel', { level: logLevel }, 'level')
    ask(opened.conversation, call, caller).catch(() => {})
  }

  const send = (
    { message, sink, caller, again }: Turn & { readonly again: () => void },
    opened: Opened,
  ): void => {
    const { conversation, initialized } = opened
    const logLevel = metaOf(paramsOf(message))?.[metaKeys.logLevel]
    setLevel(opened, logLevel, caller)
    const reader = { sink, least: severityOf(logLevel) }
    const inner = virtualSink({
      isClosed: () => sink.closed,
      onMessage: (received) => receive(received, conversation, reader, caller),
      onAnswer(answer) {
        running.delete(sink)
        sink.finish(modernAnswer(message, answer, initialized))
        stopIfLost(conversation)
      },
      onFailure(refusal) {
        running.delete(sink)
        if (refusal.code === 'session_unknown') {
          lose(conversation)
          again()
        } else sink.fail(refusal, message['id'])
        stopIfLost(conversation)
      },
      onEnd(status) {
        running.delete(sink)
        sink.end(status)
        stopIfLost(conversation)
      },
    })
    running.set(sink, { ...reader, inner, conversation })
    try {
      conversation.request(toLegacyRequest(message), inner, caller)
    } catch (error) {
      running.delete(sink)
      throw error
    }
  }

  const serve = async ({ message, sink, caller }: Turn, isRetry: boolean): Promise<void> => {
    const opened = await ensure(caller)
    if (sink.closed) return undefined
    const { conversation, initialized } = opened
    hear(conversation, caller)
    if (message['method'] === 'server/discover') {
      return sink.finish(resultOf(message['id'], toDiscoverResult(initialized)))
    }
    if (message['method'] === 'subscriptions/listen') {
      const capabilities = asObject(initialized['capabilities']) ?? {}
      return subscriptions.add(message, sink, { conversation, capabilities }, caller)
    }
    const again = (): void => {
      // The server has not processed it: a 404 comes before everything else.
      const lost = new Refusal('upstream_interrupted', { reason: 'the session was lost twice' })
      if (isRetry) sink.fail(lost, message['id'])
      else begin({ message, sink, caller }, true)
    }
    return send({ message, sink, caller, again }, opened)
  }

  const begin = (turn: Turn, isRetry: boolean): void => {
    serve(turn, isRetry).catch((error: unknown) => turn.sink.fail(toRefusal(error), turn.message['id']))
  }

  return {
    request(message, sink, caller) {
      const refused = withoutCounterpart(message)
      if (refused === undefined) begin({ message, sink, caller }, false)
      else sink.finish(unbridgeable(message['id'], refused))
    },
    tell() {}, // nothing that a modern client notifies of has a counterpart
    cancel(sink, caller) {
      if (subscriptions.remove(sink, current, caller)) return
      const found = running.get(sink)
      if (found === undefined) return
      running.delete(sink)
      found.conversation.cancel(found.inner, caller)
      stopIfLost(found.conversation)
    },
    listen: () => () => {}, // the modern era has no such stream
    get busy() {
      return running.size > 0 || subscriptions.size > 0
    },
    listened: false,
    async stop() {
      subscriptions.endAll()
      onClosed()
      await current?.stop()
    },
  }
}

/** Why a modern request cannot be sent to a legacy server, or undefined if it can. */
function withoutCounterpart(message: Json): string | undefined {
  const params = paramsOf(message)
  if (String(message['method']).startsWith('tasks/')) return 'tasks'
  if (params?.['task'] !== undefined) return 'tasks'
  if (params?.['inputResponses'] !== undefined || params?.['requestState'] !== undefined) {
    return 'a request that goes on with what the user entered'
  }
  return undefined
}

function modernAnswer(request: Json, answer: Json, initialized: Json): Json {
  const result = asObject(answer['result'])
  if (result === undefined)
    return toModernError(request['method'], answer, asObject(initialized['capabilities']) ?? {})
  if (result['task'] !== undefined) return unbridgeable(answer['id'], 'tasks')
  return {
    ...answer,
    result: toModernResult(request['method'], result, initialized['serverInfo']),
  }
}
