import { setTimeout as wait } from 'node:timers/promises'
import type { Dispatcher } from 'undici'
import { Refusal } from '../../core/errors.ts'
import { idKey } from '../../mcp/lossless.ts'
import type { Era } from '../../mcp/revisions.ts'
import type { OpenChannel } from '../conversation/channel.ts'
import { createHandshake } from '../conversation/handshake.ts'
import { asObject, type Json } from '../conversation/json-rpc.ts'
import { asRefusal } from '../conversation/read-messages.ts'
import { endSession } from './open-session.ts'
import { readAnswer } from './read-answer.ts'
import { longestPauseMilliseconds, NoStream, newPlace, type Place, readStream } from './read-stream.ts'
import { type LegacySession, messageHeaders, sessionHeaders } from './request-headers.ts'

interface StreamableOptions {
  readonly dispatcher: Dispatcher
  readonly url: string
  readonly era: Era
}

const goodbyeSeconds = 2
const maxReturns = 100

/** Opens a channel to a Streamable HTTP server: each message is a POST, whose answer may be a stream. */
export function streamableChannel({ dispatcher, url, era }: StreamableOptions): OpenChannel {
  const { origin, pathname, search } = new URL(url)
  const target = { origin, path: pathname + search }
  return ({ onMessage, onFailure, onUnheard, onClosed }) => {
    const session: LegacySession = { id: undefined, revision: undefined }
    const running = new Map<number, AbortController>()
    const handshake = createHandshake()
    let hearing: AbortController | undefined
    let lastHeaders: readonly string[] = []
    let over = false

    const get = (own: readonly string[], place: Place, signal: AbortSignal): AsyncGenerator<Json> =>
      readStream((more) => {
        const headers = [...own, ...sessionHeaders(session), ...more]
        return dispatcher.request({ ...target, method: 'GET', headers, signal })
      }, place)

    /**
     * The messages that answer a POST. A server may end their stream and let the client come back for the
     * rest.
     */
    async function* exchange(
      message: Json,
      headers: readonly string[],
      id: number | undefined,
      signal: AbortSignal,
    ): AsyncGenerator<Json> {
      if (id !== undefined && handshake.pending !== undefined) await handshake.pending
      const answered = dispatcher.request({
        ...target,
        method: 'POST',
        headers: [...headers, ...messageHeaders(message, era, session)],
        body: JSON.stringify(message),
        signal,
      })
      handshake.note(message, answered)
      const answer = await answered
      const given = answer.headers['mcp-session-id']
      if (message['method'] === 'initialize' && typeof given === 'string') session.id = given
      const place = newPlace()
      yield* readAnswer(answer, { id, place, inSession: session.id !== undefined })
      if (era === 'modern') return
      for (let count = 0; count < maxReturns && place.lastEventId !== undefined; count++) {
        await wait(place.pauseMilliseconds, undefined, { signal, ref: false })
        yield* get(headers, place, signal)
      }
    }

    const post = async (message: Json, headers: readonly string[], id: number | undefined): Promise<void> => {
      const abort = new AbortController()
      if (id !== undefined) running.set(id, abort)
      try {
        for await (const received of exchange(message, headers, id, abort.signal)) {
          if (message['method'] === 'initialize') learn(received)
          onMessage(received, id)
          if (id !== undefined && idKey(received['id']) === id && received['method'] === undefined) return
        }
        if (id !== undefined) {
          onFailure(id, new Refusal('upstream_interrupted', { reason: 'the answer ended without a result' }))
        }
      } catch (error) {
        if (id !== undefined && !abort.signal.aborted) onFailure(id, asRefusal(error))
      } finally {
        if (id !== undefined) running.delete(id)
      }
    }

    const learn = (answer: Json): void => {
      const revision = asObject(answer['result'])?.['protocolVersion']
      if (typeof revision === 'string') session.revision = revision
    }

    /** Reads the stream of a legacy session until it is refused or nobody wants it any more. */
    const hear = async (headers: readonly string[], signal: AbortSignal): Promise<void> => {
      const place = newPlace()
      let failures = 0
      while (!signal.aborted) {
        try {
          for await (const message of get(headers, place, signal)) {
            failures = 0
            onMessage(message)
          }
        } catch (error) {
          if (signal.aborted) return
          if (error instanceof NoStream) return // such a server sends no notifications
          if (error instanceof Refusal) {
            // The refusal may be due to credentials that have become outdated; the next request brings new
            // ones.
            hearing = undefined
            return onUnheard()
          }
          failures++
        }
        const pause = Math.min(place.pauseMilliseconds * 2 ** failures, longestPauseMilliseconds)
        await wait(pause, undefined, { signal, ref: false }).catch(() => {})
      }
    }

    return {
      send(message, { headers, id }) {
        if (over) throw new Refusal('session_unknown')
        lastHeaders = headers
        void post(message, headers, id)
      },
      abandon(id, notification, headers) {
        if (era === 'legacy') void post(notification, headers, undefined)
        // In the modern era the lost connection is the cancellation (MCP O14).
        running.get(id)?.abort()
      },
      hear(headers) {
        if (era === 'modern' || hearing !== undefined || over) return
        hearing = new AbortController()
        void hear(headers, hearing.signal)
      },
      unhear() {
        hearing?.abort()
        hearing = undefined
      },
      async close() {
        if (over) return
        over = true
        hearing?.abort()
        onClosed(new Refusal('gateway_interrupted', { reason: 'the session was closed' }))
        for (const abort of running.values()) abort.abort()
        if (session.id === undefined) return
        await endSession({ dispatcher, url, responseSeconds: goodbyeSeconds }, session, lastHeaders)
      },
    }
  }
}
