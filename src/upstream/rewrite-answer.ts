import { StringDecoder } from 'node:string_decoder'
import { endsEvent, eventReader, type StreamEvent, signOfLife } from '../http/event-stream.ts'
import { mediaTypeOf } from '../http/media-type.ts'
import type { Transform } from '../http/relay.ts'
import { parseLossless } from '../mcp/lossless.ts'
import type { Rewrite } from './contract.ts'

const maxCharacters = 16 * 1024 * 1024

/**
 * Applies a change to the messages of an answer: to a JSON document when it is complete, to an event stream
 * event by event. Each message that may be concerned is parsed and serialized again, so that the client finds
 * in it what was found here. Content of other kinds is left out, since it is no message: many a 202 says
 * "Accepted". Undefined if the change concerns nothing in the answer, which is untrusted.
 */
export function rewriteAnswer(contentType: string, rewrite: Rewrite): Transform | undefined {
  const type = mediaTypeOf(contentType)
  const change = (text: string): string | undefined => {
    if (!rewrite.concerns(text)) return text
    const changed = changeMessages(parseLossless(text), rewrite)
    return changed === undefined ? undefined : JSON.stringify(changed)
  }
  if (type === 'text/event-stream') return eventTransform(change, rewrite)
  if (!rewrite.documents) return undefined
  if (type !== 'application/json') return leaveOut
  return documentTransform((text) => (text === '' ? '' : (change(text) ?? '')))
}

/** Changes one message, or each message of a batch. Undefined if nothing is left for the client. */
export function changeMessages(value: unknown, { change }: Rewrite): unknown {
  if (!Array.isArray(value)) return change(value)
  const left = value.map(change).filter((message) => message !== undefined)
  return left.length === 0 && value.length > 0 ? undefined : left
}

const leaveOut: Transform = { take: () => '', end: () => '' }

function documentTransform(change: (text: string) => string): Transform {
  const decoder = new StringDecoder('utf8')
  let text = ''
  return {
    take(chunk) {
      text += decoder.write(chunk)
      if (text.length > maxCharacters) throw new RangeError('the answer is too long')
      return ''
    },
    end: () => change(text + decoder.end()),
  }
}

/**
 * A line that makes an event more than a message: its position in the stream, or another type. The first one may
 * follow a byte order mark.
 */
const special = /^\uFEFF?(?:id|event:(?! ?message$))/m
const carriageReturn = 0x0d

function eventTransform(
  change: (text: string) => string | undefined,
  { concerns, sealPlace }: Rewrite,
): Transform {
  let read: ReturnType<typeof eventReader> | undefined
  /** Whether what was read so far consists of whole events. */
  let isBetween = true
  const passes = (chunk: Buffer, text: string): boolean =>
    isBetween && endsEvent(chunk) && !chunk.includes(carriageReturn) && !special.test(text) && !concerns(text)
  const write = ({ type, data, id, retryMilliseconds }: StreamEvent): string => {
    // MCP has no other events, so what they contain is unknown here.
    if (type !== 'message') return signOfLife
    const told = data === undefined || data === '' ? data : change(data)
    const fields = [
      ...(id === undefined ? [] : [`id: ${sealPlace?.(id) ?? id}`]),
      ...(retryMilliseconds === undefined ? [] : [`retry: ${retryMilliseconds}`]),
      ...(told === undefined ? [] : told.split('\n').map((line) => `data: ${line}`)),
    ]
    return fields.length === 0 ? signOfLife : `${fields.join('\n')}\n\n`
  }
  return {
    take(chunk) {
      const text = chunk.toString()
      // Most chunks are whole events in which nothing changes.
      if (passes(chunk, text)) return text
      read ??= eventReader(maxCharacters)
      const events = read(chunk)
      isBetween = endsEvent(chunk)
      // A comment is the server's sign of life.
      if (events.length === 0) return chunk[0] === 0x3a ? signOfLife : ''
      return events.map(write).join('')
    },
    end: () => '',
  }
}
