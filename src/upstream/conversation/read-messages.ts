import { Refusal } from '../../core/errors.ts'
import { EventTooLarge, eventReader, type StreamEvent } from '../../http/event-stream.ts'
import { readWhole } from '../../http/read-answer.ts'
import { transportRefusal } from '../../http/transport-refusal.ts'
import { parseLossless } from '../../mcp/lossless.ts'
import { asObject, type Json } from './json-rpc.ts'

/** The largest single message of a server, in bytes or characters. */
const maxMessageLength = 16 * 1024 * 1024

/** The messages in a JSON body: one, or a batch. Throws `upstream_invalid`. The body is untrusted. */
export async function readJsonMessages(body: AsyncIterable<Uint8Array>): Promise<Json[]> {
  const whole = await readWhole(body, maxMessageLength)
  if (whole === undefined) throw new Refusal('upstream_invalid', { reason: 'the answer is too large' })
  return parseMessages(whole.toString())
}

/** The events of an event stream, as they arrive. Throws `upstream_invalid` for one that is too large. */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<StreamEvent> {
  const read = eventReader(maxMessageLength)
  for await (const chunk of body) yield* read(chunk)
}

/** The messages in a text. Throws `upstream_invalid`. The text is untrusted. */
export function parseMessages(text: string): Json[] {
  let value: unknown
  try {
    value = parseLossless(text)
  } catch (error) {
    throw new Refusal('upstream_invalid', { reason: 'the server sent what is no JSON', cause: error })
  }
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  return values.map(asObject).filter((message) => message !== undefined)
}

/** Turns any error on the way to a server into the refusal that the client gets. */
export function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof EventTooLarge) {
    return new Refusal('upstream_invalid', { reason: error.message, cause: error })
  }
  return transportRefusal(error instanceof Error ? error : new Error(String(error)))
}
