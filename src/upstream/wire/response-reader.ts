import type { AnswerHeaders } from '../../http/relay.ts'
import { errors } from '../../http/undici.ts'
import { answers, type Listener, Llhttp } from './llhttp.ts'

/** Whether the reader goes on, waits for `resume`, or reads nothing more. */
export type Flow = 'go-on' | 'pause' | 'stop'

/** Receives the responses on a connection, one after the other. */
export interface ResponseEvents {
  /** Whether a response may begin now. */
  readonly isAwaited: () => boolean
  /** Also called for interim responses, with a status below 200. */
  readonly onHead: (status: number, headers: AnswerHeaders) => Flow
  readonly onBody: (chunk: Buffer) => Flow
  /** `keepsAlive`: whether another response may follow. */
  readonly onEnd: (keepsAlive: boolean) => Flow
}

const maxHeadBytes = 16 * 1024
const answerTo = { 'go-on': answers.goOn, pause: answers.stop, stop: answers.fail } as const

/** Reads the HTTP/1.1 responses on one connection. They are untrusted. */
export class ResponseReader implements Listener {
  readonly #events: ResponseEvents
  readonly #parser = new Llhttp()
  readonly #names: string[] = []
  readonly #values: string[] = []
  #headBytes = 0
  #isInterim = false
  #keepsAlive = false

  constructor(events: ResponseEvents) {
    this.#events = events
  }

  /** Returns what is left if it was paused. Throws an undici error for an invalid or unexpected response. */
  read(chunk: Buffer): Buffer | undefined {
    try {
      return this.#parser.read(chunk, this)
    } catch (error) {
      if (this.#headBytes > maxHeadBytes) throw new errors.HeadersOverflowError()
      throw new errors.HTTPParserError((error as Error).message)
    }
  }

  resume(): void {
    this.#parser.resume()
  }

  /** The connection has ended, which ends a response without a length. Throws if a response is cut off. */
  finish(): void {
    try {
      this.#parser.finish(this)
    } catch {
      throw new errors.SocketError('other side closed')
    }
  }

  free(): void {
    this.#parser.free()
  }

  begin(): number {
    this.#forgetHead()
    this.#headBytes = 0
    return this.#events.isAwaited() ? answers.goOn : answers.fail
  }

  /** A name, or the rest of one that began in an earlier chunk. */
  takeName(name: string): number {
    if (this.#names.length === this.#values.length) this.#names.push(name)
    else this.#names[this.#names.length - 1] += name
    return this.#count(name)
  }

  takeValue(value: string): number {
    if (this.#values.length < this.#names.length) this.#values.push(value)
    else this.#values[this.#values.length - 1] += value
    return this.#count(value)
  }

  completeHead(status: number, upgrade: boolean, keepsAlive: boolean): number {
    if (upgrade || status === 101) return answers.fail
    const headers = this.#headers()
    this.#isInterim = status < 200
    // A body that is sent after such a head anyway would be taken for the next response.
    const hasStrayBody =
      (status === 204 || status === 304) &&
      (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0')
    this.#keepsAlive = keepsAlive && !hasStrayBody
    const answer = answerTo[this.#events.onHead(status, headers)]
    return this.#isInterim && answer === answers.goOn ? answers.noBody : answer
  }

  takeBody(bytes: Buffer): number {
    return answerTo[this.#events.onBody(bytes)]
  }

  complete(): number {
    return this.#isInterim ? answers.goOn : answerTo[this.#events.onEnd(this.#keepsAlive)]
  }

  #count(text: string): number {
    this.#headBytes += text.length
    return this.#headBytes > maxHeadBytes ? answers.fail : answers.goOn
  }

  #headers(): AnswerHeaders {
    const headers = Object.create(null) as Record<string, string | string[]>
    for (let index = 0; index < this.#names.length; index++) {
      const name = (this.#names[index] as string).toLowerCase()
      const value = this.#values[index] ?? ''
      const earlier = headers[name]
      headers[name] = earlier === undefined ? value : [earlier, value].flat()
    }
    this.#forgetHead()
    return headers
  }

  /** Nothing of a head is kept while its body arrives, which may take hours. */
  #forgetHead(): void {
    this.#names.length = 0
    this.#values.length = 0
  }
}
