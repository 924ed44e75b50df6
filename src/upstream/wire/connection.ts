import type { Socket } from 'node:net'
import type { Clock } from '../../core/clock.ts'
import type { AnswerHeaders } from '../../http/relay.ts'
import { errors } from '../../http/undici.ts'
import { type Flow, ResponseReader } from './response-reader.ts'
import type { Transfer } from './transfer.ts'
import { writeRequest } from './write-request.ts'

interface ConnectionOptions {
  /** The server's name in `Host`. */
  readonly host: string
  /** How long a request waits for the head of its answer, in milliseconds. */
  readonly headMilliseconds: number
  /** How long it waits at most for its next request from now on, in milliseconds. */
  readonly idleMilliseconds: () => number
  readonly clock: Clock
  /** The answer is over, and another request may follow. */
  readonly onIdle: () => void
  /** The server closes it, which has been idle for so long. */
  readonly onDismissed: (idleMilliseconds: number) => void
  readonly onClosed: () => void
}

/** A server may close an idle connection a little earlier than it promised. */
const marginMilliseconds = 2000
const never = Number.POSITIVE_INFINITY

/** One connection to a server, for one request at a time. */
export class Connection {
  readonly #options: ConnectionOptions
  readonly #socket: Socket
  readonly #reader: ResponseReader
  #transfer: Transfer | undefined
  /** What arrived after the handler had asked for a pause. */
  #rest: Buffer | undefined
  #awaitsHead = false
  #promise: AnswerHeaders[string]
  /** How long the server keeps it while it is idle, as far as the server has said so. */
  #keptMilliseconds = never
  #idleSince = performance.now()
  /** When it will have waited too long, in milliseconds of the monotonic clock. */
  #deadline: number

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#options = options
    this.#socket = socket
    // The request that it was opened for may have left meanwhile.
    this.#deadline = this.#idleSince + options.idleMilliseconds()
    this.#reader = new ResponseReader({
      isAwaited: () => this.#transfer !== undefined,
      onHead: (status, headers) => this.#head(status, headers),
      onBody: (chunk) => {
        this.#transfer?.data(chunk)
        return this.#flow()
      },
      onEnd: (keepsAlive) => this.#end(keepsAlive),
    })
    socket
      .on('data', (chunk: Buffer) => this.#attempt(() => (this.#rest = this.#reader.read(chunk))))
      .on('end', () => {
        if (this.#transfer === undefined) options.onDismissed(performance.now() - this.#idleSince)
        this.#attempt(() => this.#reader.finish())
      })
      .on('error', (error) => this.fail(error))
      .on('close', () => {
        this.fail(new errors.SocketError('closed'))
        this.#reader.free()
        options.onClosed()
      })
  }

  get isUsable(): boolean {
    return this.#transfer === undefined && !this.#socket.destroyed && performance.now() < this.#deadline
  }

  send(transfer: Transfer): void {
    this.#transfer = transfer
    this.#awaitsHead = true
    this.#deadline = performance.now() + this.#options.headMilliseconds
    const request = transfer.carryBy(this)
    this.#attempt(() => writeRequest(this.#socket, this.#options.host, request))
  }

  /**
   * Gives up what has waited too long. For `stood` milliseconds this process did not run, because it was
   * stopped or busy: the answer may have arrived without anyone to read it.
   */
  expire(now: number, stood: number): void {
    if (this.#awaitsHead) this.#deadline += stood
    if (now >= this.#deadline)
      this.fail(this.#awaitsHead ? new errors.HeadersTimeoutError() : new errors.SocketError('idle'))
  }

  pause(): void {
    this.#socket.pause()
  }

  /** Never reads synchronously, since the handler may be in the middle of something. */
  resume(): void {
    process.nextTick(() => {
      if (this.#transfer?.paused !== false) return
      const rest = this.#rest
      this.#reader.resume()
      if (rest !== undefined) this.#attempt(() => (this.#rest = this.#reader.read(rest)))
      if (this.#flow() !== 'pause') this.#socket.resume()
    })
  }

  /** Whatever still arrives is useless. */
  drop(): void {
    this.#transfer = undefined
    this.#socket.destroy()
  }

  #attempt(read: () => void): void {
    try {
      read()
    } catch (error) {
      this.fail(error as Error)
    }
  }

  /** Ends the connection, and what it carries with it. */
  fail(error: Error): void {
    const transfer = this.#transfer
    this.drop()
    transfer?.fail(error)
  }

  #flow(): Flow {
    if (this.#transfer === undefined) return 'stop'
    return this.#transfer.paused ? 'pause' : 'go-on'
  }

  #head(status: number, headers: AnswerHeaders): Flow {
    if (status >= 200) {
      this.#awaitsHead = false
      this.#deadline = never
      this.#heedPromise(headers['keep-alive'])
    }
    this.#transfer?.head(status, dated(headers, this.#options.clock))
    return this.#flow()
  }

  #end(keepsAlive: boolean): Flow {
    const transfer = this.#transfer
    this.#transfer = undefined
    // A server that has answered early may never read the rest of the request.
    const idleMilliseconds = Math.min(this.#options.idleMilliseconds(), this.#keptMilliseconds)
    const isReusable = keepsAlive && this.#socket.writableLength === 0 && idleMilliseconds > 0
    if (isReusable) {
      this.#idleSince = performance.now()
      this.#deadline = this.#idleSince + idleMilliseconds
      this.#options.onIdle()
    } else this.#socket.destroy()
    transfer?.end()
    return isReusable ? 'go-on' : 'stop'
  }

  /** How long the server promises to keep an idle connection (`Keep-Alive: timeout`, in seconds). */
  #heedPromise(promise: AnswerHeaders[string]): void {
    if (promise === this.#promise) return
    this.#promise = promise
    const seconds = /timeout=(\d+)/.exec(String(promise))?.[1]
    this.#keptMilliseconds = seconds === undefined ? never : Number(seconds) * 1000 - marginMilliseconds
  }
}

/**
 * An answer that does not say when it was made counts from when it came (RFC 9110 section 6.6.1). That is
 * only written where somebody counts.
 */
function dated(headers: AnswerHeaders, clock: Clock): AnswerHeaders {
  if (headers['retry-after'] === undefined || headers['date'] !== undefined) return headers
  return { ...headers, date: new Date(clock.now()).toUTCString() }
}
