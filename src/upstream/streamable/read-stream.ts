import type { Dispatcher } from 'undici'
import { Refusal } from '../../core/errors.ts'
import type { StreamEvent } from '../../http/event-stream.ts'
import { mediaTypeOf } from '../../http/media-type.ts'
import type { Json } from '../conversation/json-rpc.ts'
import { parseMessages, readEvents } from '../conversation/read-messages.ts'

/** A client's position in a stream that it may resume (MCP 2025-11-25, transports, "Resumability"). */
export interface Place {
  lastEventId: string | undefined
  /** How long the server asks to wait before reconnecting. */
  pauseMilliseconds: number
}

const firstPauseMilliseconds = 1000
/** Without a minimum, a server could keep the gateway busy with nothing but reconnecting. */
const shortestPauseMilliseconds = 100
/** The longest pause between two attempts. */
export const longestPauseMilliseconds = 30_000

/** The beginning of a stream. */
export function newPlace(): Place {
  return { lastEventId: undefined, pauseMilliseconds: firstPauseMilliseconds }
}

/** The messages of an event, after remembering its position. */
export function takeEvent({ data, id, retryMilliseconds }: StreamEvent, place: Place): Json[] {
  place.lastEventId = id ?? place.lastEventId
  if (retryMilliseconds !== undefined) {
    const pause = Math.max(retryMilliseconds, shortestPauseMilliseconds)
    place.pauseMilliseconds = Math.min(pause, longestPauseMilliseconds)
  }
  return data === undefined || data === '' ? [] : parseMessages(data)
}

/** The server has no such stream. */
export class NoStream extends Refusal {
  constructor() {
    super('upstream_interrupted', { reason: 'the server has no stream to come back to' })
  }
}

/** Opens the stream of a session at a position, and yields its messages. Throws NoStream or a Refusal. */
export async function* readStream(
  request: (headers: readonly string[]) => Promise<Dispatcher.ResponseData>,
  place: Place,
): AsyncGenerator<Json> {
  const { lastEventId } = place
  const { statusCode, headers, body } = await request([
    'Accept',
    'text/event-stream',
    ...(lastEventId === undefined ? [] : ['Last-Event-ID', lastEventId]),
  ])
  const isStream = mediaTypeOf(headers['content-type']) === 'text/event-stream'
  if (statusCode !== 200 || !isStream) {
    await body.dump()
    // Some servers without streams show a page, or answer 501, instead of 405.
    if (statusCode === 405 || statusCode === 501 || statusCode === 200) throw new NoStream()
    throw new Refusal('upstream_invalid', { reason: `the server answered ${statusCode} to the stream` })
  }
  for await (const event of readEvents(body)) yield* takeEvent(event, place)
}
