import { LRUCache } from 'lru-cache'
import { atMost } from '../../core/at-most.ts'
import { Refusal } from '../../core/errors.ts'
import { randomToken } from '../../core/secret.ts'
import { parseLossless } from '../../mcp/lossless.ts'
import type { Connector, UpstreamReply, UpstreamRequest } from '../contract.ts'
import type { LostSessions } from '../renewal/lost-sessions.ts'
import { gatherAnswers } from './batch.ts'
import type { Caller, Conversation } from './contract.ts'
import { asObject, type Json } from './json-rpc.ts'
import { passedHeaders } from './passed-headers.ts'
import type { Registry } from './registry.ts'
import { openSink, type Sink } from './sink.ts'

/** Starts a conversation for a caller. `onClosed` is called when it is over. */
export type Start = (caller: Caller, onClosed: () => void) => Conversation

interface ConversationConnectorOptions {
  readonly registry: Registry<Conversation>
  readonly start: Start
}

interface SessionConnectorOptions extends ConversationConnectorOptions {
  /** What to do with sessions that this process does not know. */
  readonly lost: LostSessions
}

const maxEnded = 10_000

/** The connector for legacy clients: each session is a separate conversation, which nobody else can enter. */
export function sessionConnector({ registry, start, lost }: SessionConnectorOptions): Connector {
  const ended = new LRUCache<string, true>(atMost(maxEnded))
  const opening = new Map<string, Promise<Conversation>>()

  const begin = (caller: Caller): Promise<Conversation> =>
    registry.reach(caller.owner, caller.principal, (onClosed) => start(caller, onClosed))

  const beginAnew = async (request: UpstreamRequest, caller: Caller): Promise<Conversation> => {
    const { owner: key } = caller
    if (!(await lost.mayGoOn(key, request))) throw new Refusal('session_unknown')
    const conversation = await begin(caller)
    try {
      await lost.restore(conversation, request, caller)
    } catch (error) {
      void registry.stop(key)
      throw error
    }
    return conversation
  }

  /** The conversation of a session, or a new one to replace it, which everyone who waits for it shares. */
  const find = (request: UpstreamRequest, caller: Caller): Promise<Conversation> | Conversation => {
    const { owner: key, principal } = caller
    const known = opening.get(key) ?? registry.find(key)
    if (known !== undefined) return known
    if (!lost.mayBegin(request)) throw new Refusal('session_unknown')
    // A mere listener displaces nobody: both clients would come back forever.
    if (request.method === 'GET') registry.checkRoom(principal)
    const begun = beginAnew(request, caller).finally(() => opening.delete(key))
    opening.set(key, begun)
    return begun
  }

  return {
    async send(request, reply) {
      const key = request.opensSession ? randomToken(16) : request.session
      if (key === undefined) throw new Refusal('session_missing')
      const caller = { owner: key, principal: request.principal, headers: passedHeaders(request.headers) }
      if (!request.opensSession) {
        await lost.note(key, request)
        if (ended.has(key)) throw new Refusal('session_unknown')
        if (request.method === 'DELETE') ended.set(key, true)
      }
      const conversation = request.opensSession ? await begin(caller) : await find(request, caller)
      const { sink, done, over } = openSink(reply, { 'mcp-session-id': key }, 'legacy')
      if (request.method === 'DELETE') {
        // The next session may need what only one process can have, such as a port.
        void registry.stop(key).then(() => sink.end(200))
        return done
      }
      if (request.method === 'POST') tellWhenLeft(reply, over)
      const answered = request.opensSession ? stopWhenRefused(sink, () => void registry.stop(key)) : sink
      converse(conversation, request, { caller, sink: answered, reply })
      return done.catch((error: unknown) => {
        // What its own client has ended says nothing about the server, which everyone else needs (A36).
        throw ended.has(key)
          ? new Refusal('session_unknown', { reason: 'its client ended the session' })
          : error
      })
    },
    close: () => registry.close(),
  }
}

/**
 * The connector for modern clients: all requests with the same key, such as one principal, share a
 * conversation.
 */
export function sharingConnector({
  registry,
  start,
  keyOf,
}: ConversationConnectorOptions & { readonly keyOf: (principal: string) => string }): Connector {
  return {
    async send(request, reply) {
      const key = keyOf(request.principal)
      const { principal } = request
      const caller = { owner: principal, principal, headers: passedHeaders(request.headers) }
      const conversation =
        registry.find(key) ?? (await registry.reach(key, principal, (onClosed) => start(caller, onClosed)))
      const { sink, done } = openSink(reply, {}, 'modern')
      converse(conversation, request, { caller, sink, reply })
      return done
    },
    close: () => registry.close(),
  }
}

interface Turn {
  readonly caller: Caller
  readonly sink: Sink
  readonly reply: UpstreamReply
}

function converse(conversation: Conversation, request: UpstreamRequest, { caller, sink, reply }: Turn): void {
  // Do not wait for a client to leave that already left while the conversation was being started.
  if (sink.closed && (request.method === 'GET' || request.era === 'modern')) return undefined
  if (request.method === 'GET') {
    sink.open()
    reply.res.once('close', conversation.listen(sink, caller))
    return undefined
  }
  // All clients of a principal share the conversation, and any of them may have chosen that id. In the modern
  // era a client cancels by disconnecting (MCP 2026-07-28, "Cancellation").
  if (request.era === 'modern' && request.cancels) return sink.end(202)
  const body = parseLossless(request.body?.toString() ?? '')
  if (request.id === undefined) {
    const messages = Array.isArray(body) ? (body as Json[]) : [body as Json]
    const requests = messages.filter((message) => 'id' in message && 'method' in message)
    const sinks = gatherAnswers(sink, requests.length)
    for (const message of messages) if (!requests.includes(message)) conversation.tell(message, caller)
    for (const [index, message] of requests.entries()) {
      conversation.request(message, sinks[index] as Sink, caller)
    }
    return requests.length === 0 ? sink.end(202) : undefined
  }
  conversation.request(body as Json, sink, caller)
  // Only in the modern era is a lost connection a cancellation (MCP O14).
  if (request.era === 'modern') reply.res.once('close', () => conversation.cancel(sink, caller))
  return undefined
}

/**
 * In the legacy era a client that disconnects cancels nothing (MCP O14). It may have done so while a
 * conversation was being started.
 */
function tellWhenLeft({ res, onLeft }: UpstreamReply, over: Promise<void>): void {
  if (res.closed) onLeft?.(over)
  else
    res.once('close', () => {
      if (!res.writableFinished) onLeft?.(over)
    })
}

/**
 * A session that the server refuses to open does not stay open here. What the server asks before is for the client
 * in this session, so the head of the answer, which names it, goes first.
 */
function stopWhenRefused(sink: Sink, stop: () => void): Sink {
  return {
    get closed() {
      return sink.closed
    },
    open: () => sink.open(),
    push(message) {
      sink.open()
      sink.push(message)
    },
    end: (status) => sink.end(status),
    fail(refusal, id) {
      sink.fail(refusal, id)
      stop()
    },
    finish(message) {
      sink.finish(message)
      if (asObject((message as Json)['error']) !== undefined) stop()
    },
  }
}
