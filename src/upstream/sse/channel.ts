import type { Dispatcher } from 'undici'
import { Refusal } from '../../core/errors.ts'
import { mediaTypeOf } from '../../http/media-type.ts'
import type { ChannelEvents, OpenChannel } from '../conversation/channel.ts'
import { createHandshake } from '../conversation/handshake.ts'
import { refusalForStatus } from '../conversation/http-status.ts'
import type { Json } from '../conversation/json-rpc.ts'
import { asRefusal, parseMessages, readEvents } from '../conversation/read-messages.ts'

interface SseOptions {
  readonly dispatcher: Dispatcher
  /** Where the stream is. */
  readonly url: string
  /** Timeout for the server to name its endpoint. */
  readonly responseSeconds: number
}

interface Outgoing {
  readonly message: Json
  readonly headers: readonly string[]
  readonly id: number | undefined
}

const maxWaiting = 256

/**
 * Opens a channel to a server of HTTP+SSE (MCP 2024-11-05, transports): everything that the server says comes
 * on one stream, whose first event names the address to post to. That address must be on the server's own
 * origin.
 */
export function sseChannel({ dispatcher, url, responseSeconds }: SseOptions): OpenChannel {
  const { origin, pathname, search } = new URL(url)
  return (events, headers) => {
    const stop = new AbortController()
    const handshake = createHandshake()
    let endpoint: string | undefined
    /** The server has taken a message, so the endpoint is where it says. */
    let isFound = false
    /** Messages to be sent once the address is known. */
    let waiting: Outgoing[] = []
    /** The ids of requests to be sent once the initialization is over. */
    const held = new Set<number>()
    let over = false

    const close = (refusal: Refusal): void => {
      if (over) return
      over = true
      clearTimeout(patience)
      stop.abort()
      events.onClosed(refusal)
    }

    const patience = setTimeout(() => {
      close(new Refusal('upstream_timeout', { reason: 'the server has not named its endpoint' }))
    }, responseSeconds * 1000).unref()

    const post = async ({ message, headers: own, id }: Outgoing): Promise<void> => {
      try {
        if (id !== undefined && handshake.pending !== undefined) {
          held.add(id)
          await handshake.pending
          if (!held.delete(id)) return
        }
        const sent = dispatcher.request({
          origin,
          path: endpoint as string,
          method: 'POST',
          headers: [...own, 'Content-Type', 'application/json'],
          body: JSON.stringify(message),
          signal: stop.signal,
        })
        handshake.note(message, sent)
        const { statusCode, headers: answered, body } = await sent
        await body.dump()
        const refusal = refusalForPost(statusCode, answered, isFound ? undefined : endpoint)
        if (refusal !== undefined) throw refusal
        isFound = true
      } catch (error) {
        if (id !== undefined && !over) events.onFailure(id, asRefusal(error))
      }
    }

    const begin = (path: string): void => {
      endpoint = path
      clearTimeout(patience)
      for (const one of waiting) void post(one)
      waiting = []
    }

    const listen = async (): Promise<void> => {
      try {
        const answer = await dispatcher.request({
          origin,
          path: pathname + search,
          method: 'GET',
          headers: [...headers, 'Accept', 'text/event-stream'],
          signal: stop.signal,
        })
        checkStream(answer)
        await readStream(answer.body, events, (text) => begin(resolveEndpoint(text, url)))
        close(new Refusal('upstream_interrupted', { reason: 'the server ended its event stream' }))
      } catch (error) {
        close(asRefusal(error))
      }
    }
    void listen()

    const send = (outgoing: Outgoing): void => {
      if (over) throw new Refusal('session_unknown')
      if (endpoint !== undefined) void post(outgoing)
      else if (waiting.length < maxWaiting) waiting.push(outgoing)
      else throw new Refusal('upstream_timeout', { reason: 'the server has not named its endpoint' })
    }
    return {
      send: (message, options) => send({ message, ...options }),
      abandon(id, message, own) {
        // What was not sent need not be cancelled.
        if (!held.delete(id)) send({ message, headers: own, id: undefined })
      },
      hear() {},
      unhear() {},
      async close() {
        close(new Refusal('gateway_interrupted', { reason: 'the session was closed' }))
      },
    }
  }
}

/**
 * The path of the address that a server named, which is untrusted: a server must not make the gateway post to
 * anyone else (A11). Throws `upstream_invalid`.
 */
export function resolveEndpoint(text: string, url: string): string {
  const endpoint = URL.parse(text, url)
  if (endpoint === null || endpoint.origin !== new URL(url).origin) {
    throw new Refusal('upstream_invalid', { reason: 'the endpoint of the server is on another origin' })
  }
  return endpoint.pathname + endpoint.search
}

function checkStream({ statusCode, headers }: Dispatcher.ResponseData): void {
  const refusal = refusalForStatus(statusCode, headers)
  if (refusal !== undefined) throw refusal
  const type = mediaTypeOf(headers['content-type'])
  if (statusCode === 200 && type === 'text/event-stream') return
  throw new Refusal('upstream_invalid', { reason: `the server answered ${statusCode} ${type} to the stream` })
}

async function readStream(
  body: AsyncIterable<Uint8Array>,
  events: ChannelEvents,
  onEndpoint: (text: string) => void,
): Promise<void> {
  let known = false
  for await (const { type, data = '' } of readEvents(body)) {
    if (type === 'endpoint' && !known) {
      known = true
      onEndpoint(data)
    } else if (type === 'message' && data !== '') {
      for (const message of parseMessages(data)) events.onMessage(message)
    }
  }
}

/**
 * A server that is mounted under a path, or sees another one than the gateway, may name an `endpoint` that it does
 * not have. The query is left out of the log, since it names the session.
 */
function refusalForPost(
  status: number,
  headers: Dispatcher.ResponseData['headers'],
  endpoint: string | undefined,
): Refusal | undefined {
  if (status < 300) return undefined
  const refusal = refusalForStatus(status, headers)
  if (refusal !== undefined) return refusal
  if (status === 404 && endpoint === undefined)
    return new Refusal('session_unknown', { reason: 'the server has forgotten the session' })
  const where = endpoint === undefined ? '' : ` at ${endpoint.split('?')[0]}, the endpoint that it named`
  return new Refusal('upstream_invalid', { reason: `the server answered ${status} to a message${where}` })
}
