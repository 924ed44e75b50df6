import type { Dispatcher } from 'undici'
import { Refusal } from '../../core/errors.ts'
import { mediaTypeOf } from '../../http/media-type.ts'
import { readWhole } from '../../http/read-answer.ts'
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
    refusalForStatus(statusCode, headers) ?? (statusCode === 404 && inSession ? forgotten() : undefined)
  if (refusal !== undefined || id === undefined) {
    await body.dump()
    if (refusal !== undefined) throw refusal
    return
  }
  if (type === 'text/event-stream') {
    for await (const event of readEvents(body)) yield* takeEvent(event, place)
  } else if (type === 'application/json') {
    for (const message of await readJsonMessages(body)) {
      if (statusCode === 400 && inSession && isAboutSession(message)) throw forgotten()
      yield addressed(message, id)
    }
  } else {
    if (statusCode === 400 && inSession && (type === '' || type === 'text/plain')) {
      const said = await readWhole(body, maxComplaintBytes)
      if (said !== undefined && missesSession(said.toString())) throw forgotten()
    } else await body.dump()
    throw new Refusal('upstream_invalid', { reason: `the server answered ${statusCode} ${type}` })
  }
}

function forgotten(): Refusal {
  return new Refusal('session_unknown', { reason: 'the server has forgotten the session' })
}

/** A text that is longer is a page, and no complaint about a session. */
const maxComplaintBytes = 1024

/**
 * Whether a 400 means what 404 should say: of servers on the SDK for TypeScript, many answer so after a restart, and all
 * on that for Python before 1.26, as plain text.
 */
function missesSession(said: string): boolean {
  return /session|not initialized/i.test(said)
}

/** Only an error that is about no request can be about the session. */
function isAboutSession({ id, error }: Json): boolean {
  const said = asObject(error)?.['message']
  return (id ?? null) === null && typeof said === 'string' && missesSession(said)
}

/** An error that names no request is about this one, the only one that it can be about. */
function addressed(message: Json, id: number): Json {
  const isError = asObject(message['error']) !== undefined
  return isError && (message['id'] === undefined || message['id'] === null) ? { ...message, id } : message
}
