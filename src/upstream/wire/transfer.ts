import type { Dispatcher } from 'undici'
import type { AnswerHeaders } from '../../http/relay.ts'
import { errors } from '../../http/undici.ts'

/** The connection that carries a transfer. */
interface Carrier {
  pause(): void
  resume(): void
  /** The connection is of no more use: the rest of the answer may still be on its way. */
  drop(): void
}

/** One request and its answer; makes sure that a handler is told nothing after the end. */
export class Transfer implements Dispatcher.DispatchController {
  #request: Dispatcher.DispatchOptions | undefined
  readonly #handler: Dispatcher.DispatchHandler
  #carrier: Carrier | undefined
  #over = false
  aborted = false
  paused = false
  reason: Error | null = null

  constructor(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) {
    this.#request = request
    this.#handler = handler
  }

  get isOver(): boolean {
    return this.#over
  }

  /** Tells the handler that it can abort from now on. */
  start(): void {
    this.#tell(() => this.#handler.onRequestStart?.(this, undefined))
  }

  /** Returns what is to be sent, which is not kept while the answer arrives. */
  carryBy(carrier: Carrier): Dispatcher.DispatchOptions {
    const request = this.#request
    if (request === undefined) throw new errors.NotSupportedError('a request is sent once')
    this.#carrier = carrier
    this.#request = undefined
    return request
  }

  abort(reason: Error): void {
    if (this.#over) return
    this.aborted = true
    this.reason = reason
    this.fail(reason)
    this.#carrier?.drop()
  }

  pause(): void {
    this.paused = true
    this.#carrier?.pause()
  }

  resume(): void {
    if (!this.paused) return
    this.paused = false
    this.#carrier?.resume()
  }

  head(status: number, headers: AnswerHeaders): void {
    this.#tell(() => this.#handler.onResponseStart?.(this, status, headers))
  }

  data(chunk: Buffer): void {
    this.#tell(() => this.#handler.onResponseData?.(this, chunk))
  }

  end(): void {
    if (this.#over) return
    this.#over = true
    this.#handler.onResponseEnd?.(this, {})
  }

  fail(error: Error): void {
    if (this.#over) return
    this.#over = true
    this.#handler.onResponseError?.(this, error)
  }

  /** A handler that throws wants nothing more. */
  #tell(tell: () => void): void {
    if (this.#over) return
    try {
      tell()
    } catch (error) {
      this.abort(error as Error)
    }
  }
}
