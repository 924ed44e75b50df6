import { setTimeout as wait } from 'node:timers/promises'
import type { Dispatcher } from 'undici'
import { Refusal } from '../../core/errors.ts'
import type { Era } from '../../mcp/revisions.ts'
import type { OpenChannel } from '../conversation/channel.ts'
import { asObject, type Json } from '../conversation/json-rpc.ts'
import { asRefusal, parseMessages, readEvents } from '../conversation/read-messages.ts'
import { readAnswer } from './read-answer.ts'
import { type LegacySession, messageHeaders, sessionHeaders } from './request-headers.ts'

interface StreamableOptions {
  readonly dispatcher: Dispatcher
  readonly url: string
  readonly era: Era
}

const goodbyeMilliseconds = 2000
const firstPauseMilliseconds = 1000
const maxPauseMilliseconds = 30_000

/** Opens a channel to a server of Streamable HTTP: each message is a POST, whose answer may be a stream. */
export function streamableChannel({ dispatcher, url, era }: StreamableOptions): OpenChannel {
  const { origin, pathname, search } = new URL(url)
  const path = pathname + search
  return ({ onMessage, onFailure, onUnheard, onClosed }) => {
    const session: LegacySession = { id: undefined, revision: undefined }
    const running = new Map<number, AbortController>()
    let hearing: AbortController | undefined
    let lastHeaders: readonly string[] = []
    let over = false

    const learn = (message: Json, opens: boolean): void => {
      const revision = asObject(message['result'])?.['protocolVersion']
      if (opens && typeof revision === 'string') session.revision = revision
    }

    const post = async (message: Json, headers: readonly string[], id: number | undefined): Promise<void> => {
      const abort = new AbortController()
      if (id !== undefined) running.set(id, abort)
      const opens = message['method'] === 'initialize'
      try {
        const answer = await dispatcher.request({
          origin,
          path,
          method: 'POST',
          headers: [...headers, ...messageHeaders(message, era, session)],
          body: JSON.stringify(message),
          signal: abort.signal,
        })
        const given = answer.headers['mcp-session-id']
        if (opens && typeof given === 'string') session.id = given
        for await (const received of readAnswer(answer, { id, inSession: session.id !== undefined })) {
          learn(received, opens)
          onMessage(received, id)
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

    /** Reads the stream of a legacy session until it is refused or nobody wants it any more. */
    const hear = async (headers: readonly string[], signal: AbortSignal): Promise<void> => {
      let lastEventId: string | undefined
      let pause = firstPauseMilliseconds
      while (!signal.aborted) {
        try {
          const place = lastEventId === undefined ? [] : ['Last-Event-ID', lastEventId]
          const own = [...headers, ...sessionHeaders(session), ...place, 'Accept', 'text/event-stream']
          const answer = await dispatcher.request({ origin, path, method: 'GET', headers: own, signal })
          if (answer.statusCode !== 200) {
            await answer.body.dump()
            // A server without such a stream tells of nothing. Another refusal may be about credentials that are old.
            return answer.statusCode === 405 ? undefined : leaveStream()
          }
          for await (const { data, id, retryMilliseconds } of readEvents(answer.body)) {
            lastEventId = id ?? lastEventId
            pause = Math.min(retryMilliseconds ?? firstPauseMilliseconds, maxPauseMilliseconds)
            if (data !== '') for (const message of parseMessages(data)) onMessage(message)
          }
        } catch (error) {
          if (error instanceof Refusal) return leaveStream() // what it says is not MCP
          pause = Math.min(pause * 2, maxPauseMilliseconds)
        }
        await wait(pause, undefined, { signal, ref: false }).catch(() => {})
      }
    }

    const leaveStream = (): void => {
      hearing = undefined
      onUnheard()
    }

    return {
      send(message, { headers, id }) {
        if (over) throw new Refusal('session_unknown')
        lastHeaders = headers
        void post(message, headers, id)
      },
      abandon(id, notification, headers) {
        // In the modern era the lost connection is the cancellation (MCP O14).
        if (era === 'modern') running.get(id)?.abort()
        else void post(notification, headers, undefined)
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
        onClosed(new Refusal('session_unknown', { reason: 'the session was closed' }))
        for (const abort of running.values()) abort.abort()
        if (session.id === undefined) return
        const headers = [...lastHeaders, ...sessionHeaders(session)]
        const signal = AbortSignal.timeout(goodbyeMilliseconds)
        try {
          await (await dispatcher.request({ origin, path, method: 'DELETE', headers, signal })).body.dump()
        } catch {
          // The server forgets the session by itself.
        }
      },
    }
  }
}
