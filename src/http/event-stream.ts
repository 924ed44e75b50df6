import { StringDecoder } from 'node:string_decoder'

/** One event of an event stream. */
export interface StreamEvent {
  /** `message` if the stream names none. */
  readonly type: string
  /** Undefined if the event has none and only gives a position or a retry time. */
  readonly data: string | undefined
  readonly id: string | undefined
  /** How long the server asks clients to wait before they reconnect. */
  readonly retryMilliseconds: number | undefined
}

/** Why a stream was abandoned. Contains nothing from the stream. */
export class EventTooLarge extends Error {
  constructor(maxLength: number) {
    super(`an event is longer than ${maxLength} characters`)
    this.name = 'EventTooLarge'
  }
}

/**
 * Reads server-sent events (WHATWG HTML, "Server-sent events") however they are split into chunks. Returns a
 * function that takes a chunk and returns the events that it completes. It throws EventTooLarge beyond
 * `maxLength`. The input is untrusted.
 */
export function eventReader(maxLength: number): (chunk: Uint8Array) => StreamEvent[] {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  let first = true
  let afterReturn = false
  let type = ''
  let data: string[] = []
  let size = 0
  let id: string | undefined
  let retryMilliseconds: number | undefined

  const takeField = (line: string): void => {
    const colon = line.indexOf(':')
    const name = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (name === 'data') data.push(value)
    else if (name === 'event') type = value
    else if (name === 'id' && !value.includes('\0')) id = value
    else if (name === 'retry' && /^\d{1,9}$/.test(value)) retryMilliseconds = Number(value)
  }

  return (chunk) => {
    const events: StreamEvent[] = []
    let text = decoder.write(chunk)
    if (first && text !== '') {
      if (text.startsWith('\uFEFF')) text = text.slice(1)
      first = false
    }
    // A chunk may end with a carriage return, in which case a line feed at the start of the next one belongs
    // to the same line break.
    const isHalf = afterReturn && text.startsWith('\n')
    if (text !== '') afterReturn = text.endsWith('\r')
    const lines = (isHalf ? text.slice(1) : text).split(/\r\n|\n|\r/)
    // A long line arrives in many chunks; earlier ones are not searched again.
    lines[0] = rest + lines[0]
    rest = lines.pop() ?? ''
    for (const line of lines) {
      size += line.length
      if (size > maxLength) throw new EventTooLarge(maxLength)
      if (line !== '') {
        if (!line.startsWith(':')) takeField(line)
        continue
      }
      if (data.length > 0 || id !== undefined || retryMilliseconds !== undefined) {
        const told = data.length === 0 ? undefined : data.join('\n')
        events.push({ type: type === '' ? 'message' : type, data: told, id, retryMilliseconds })
      }
      type = ''
      data = []
      size = 0
      id = undefined
      retryMilliseconds = undefined
    }
    if (size + rest.length > maxLength) throw new EventTooLarge(maxLength)
    return events
  }
}

/** Writes a JSON-RPC message as an event (MCP transports, "Streamable HTTP"). */
export function writeEvent(message: unknown): string {
  return `event: message\ndata: ${JSON.stringify(message)}\n\n`
}

/** A comment without content that shows that a stream is alive. May only stand between two events. */
export const signOfLife = ': \n\n'

const carriageReturn = 0x0d
const lineFeed = 0x0a

/** Whether a chunk ends with a whole event, so that something can follow it. */
export function endsEvent(chunk: Buffer): boolean {
  const last = chunk.length - 1
  if (chunk[last] !== lineFeed) return false
  if (chunk[last - 1] === lineFeed) return true
  return (
    chunk[last - 1] === carriageReturn && chunk[last - 2] === lineFeed && chunk[last - 3] === carriageReturn
  )
}

const colon = 0x3a
/** What ends an event, after the line break of its last line. */
const emptyLines = ['\n\n', '\n\r\n']
/** As many bytes as show whether an event has ended. */
const endBytes = 4
/** Nothing but an answer is longer, so a longer event need not be read. */
const maxKeptBytes = 1024 * 1024

/** Keeps the last event of a stream whose bytes pass, in case the stream ends before it should. */
export class LastEvent {
  #chunks: Buffer[] = []
  #length = 0

  /** Takes the next chunk. `begins`: whether it follows a whole event. */
  take(chunk: Buffer, begins: boolean): void {
    if (begins) {
      if (chunk[0] === colon && endsEvent(chunk) && !chunk.includes('\ndata:')) return // a sign of life
      this.#chunks = []
      this.#length = 0
    }
    this.#chunks.push(chunk)
    this.#length += chunk.length
    if (this.#length > maxKeptBytes) this.#shorten()
  }

  /**
   * Its bytes, and those of events that came in one piece with it; undefined if it is whole and too long to be
   * kept. What is kept of a longer one that has not ended is part of no event.
   */
  get bytes(): Buffer | undefined {
    const kept = Buffer.concat(this.#chunks)
    return this.#length > maxKeptBytes && endsEvent(kept) ? undefined : kept
  }

  /** Forgets the events before the last one, or all but the end of the last one if it is too long. */
  #shorten(): void {
    const bytes = Buffer.concat(this.#chunks)
    const ends = emptyLines.map((line) => {
      const at = bytes.subarray(0, -1).lastIndexOf(line) // not the end of the last event itself
      return at === -1 ? -1 : at + line.length
    })
    const begin = Math.max(...ends)
    this.#chunks = [Buffer.from(bytes.subarray(begin === -1 ? -endBytes : begin))]
    if (begin !== -1) this.#length = bytes.length - begin
  }
}
