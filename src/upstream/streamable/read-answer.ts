import type { Dispatcher } from 'undici'
import { Refusal } from '../../core/errors.ts'
import { mediaTypeOf } from '../../http/media-type.ts'
import { refusalForStatus } from '../conversation/http-status.ts'
import { asObject, type Json } from '../conversation/json-rpc.ts'
import { readEvents, readJsonMessages } from '../conversation/read-messages.ts'
import { type Place, takeEvent } from './read-stream.ts'

interface AnswerContext {
  /** The id of the request, or undefined for a message that needs no answer. */
  readonly id: number | undefined
  readonly inSession: boolean
  /** The current position in the stream. Is updated. */
  readonly place: Place
}

/** The messages in the answer to a POST. Throws a Refusal if it is not a valid answer. It is untrusted. */
export async function* readAnswer(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  { id, inSession, place }: AnswerContext,
): AsyncGenerator<Json> {
  const type = mediaTypeOf(headers['content-type'])
  const refusal =
    refusalForStatus(statusCode, headers) ??
    (statusCode === 404 && inSession
      ? new Refusal('session_unknown', { reason: 'the server has forgotten the session' })
      : undefined)
  if (refusal !== undefined || id === undefined) {
    await body.dump()
    if (refusal !== undefined) throw refusal
    return
  }
  if (type === 'text/event-stream') {
    for await (const event of readEvents(body)) yield* takeEvent(event, place)
  } else if (type === 'application/json') {
    for (const message of await readJsonMessages(body)) yield addressed(message, id)
  } else {
    await body.dump()
    throw new Refusal('upstream_invalid', { reason: `the server answered ${statusCode} ${type}` })
  }
}

/** An error that names no request is about this one, the only one that it can be about. */
function addressed(message: Json, id: number): Json {
  const isError = asObject(message['error']) !== undefined
  return isError && (message['id'] === undefined || message['id'] === null) ? { ...message, id } : message
}
