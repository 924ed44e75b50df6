import { StringDecoder } from 'node:string_decoder'
import { eventReader, type StreamEvent } from '../http/event-stream.ts'
import type { Transform } from '../http/relay.ts'
import type { Rewrite } from './contract.ts'
import { parseLossless } from './conversation/lossless.ts'

const maxCharacters = 16 * 1024 * 1024
const comment = ': \n\n'

/**
 * Applies a change to the messages of an answer: to a JSON document when it is complete, to an event stream event by
 * event. Each is read and written anew, so that the client finds in it what was found here. What is neither passes only
 * where it is empty. The answer is untrusted.
 */
export function rewriteAnswer(contentType: string, rewrite: Rewrite): Transform {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase()
  const change = (text: string): string => {
    const value = parseLossless(text)
    return JSON.stringify(Array.isArray(value) ? value.map(rewrite) : rewrite(value))
  }
  if (type === 'text/event-stream') return eventTransform(change)
  return documentTransform((text) => {
    if (text === '') return ''
    if (type !== 'application/json') throw new TypeError('an answer that is no JSON')
    return change(text)
  })
}

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

function eventTransform(change: (text: string) => string): Transform {
  const read = eventReader(maxCharacters)
  const write = ({ type, data, id, retryMilliseconds }: StreamEvent): string => {
    // MCP has no other events, so what they hold is known to nobody here.
    if (type !== 'message') return comment
    const fields = [
      ...(id === undefined ? [] : [`id: ${id}`]),
      ...(retryMilliseconds === undefined ? [] : [`retry: ${retryMilliseconds}`]),
      ...(data === undefined ? [] : [`data: ${data === '' ? '' : change(data)}`]),
    ]
    return `${fields.join('\n')}\n\n`
  }
  return {
    take(chunk) {
      const events = read(chunk)
      // A comment is the server's sign of life.
      if (events.length === 0) return chunk[0] === 0x3a ? comment : ''
      return events.map(write).join('')
    },
    end: () => '',
  }
}
