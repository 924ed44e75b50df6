import type { Socket } from 'node:net'
import type { buildConnector as connecting, Dispatcher } from 'undici'
import type { Clock } from '../../core/clock.ts'
import { sharedLookup } from '../../http/share-lookups.ts'
import { buildConnector, errors, Dispatcher as UndiciDispatcher } from '../../http/undici.ts'
import { Connection } from './connection.ts'
import { Transfer } from './transfer.ts'

interface PoolOptions {
  readonly origin: URL
  readonly connectMilliseconds: number
  /** How long a request waits for the head of its answer. */
  readonly headMilliseconds: number
  /** How long a connection waits for its next request, unless the server says or shows that it waits for less. */
  readonly idleMilliseconds: number
  readonly clock: Clock
}

const sweepMilliseconds = 500
/** A connection is kept for this long at least, whatever a server has shown. */
const leastIdleMilliseconds = 500
/** After this long, what it has shown is doubted: a server that is restarted closes all of them, too. */
const trustMilliseconds = 10 * 60_000

/**
 * Connections to one server over HTTP/1.1, one request on each at a time, as many as there are requests. It
 * is an undici dispatcher that supports only what the gateway sends, which is less than undici's own and
 * costs half as much: bodies are in memory, and what cannot be sent is an error.
 */
export class ConnectionPool extends UndiciDispatcher {
  readonly #options: PoolOptions
  readonly #connect: connecting.connector
  readonly #connections = new Set<Connection>()
  /** The most recently used one is reused first, so that surplus ones grow old. */
  readonly #idle: Connection[] = []
  #waiting: Transfer[] = []
  /** How long the server has shown that it keeps idle connections, and until when that is believed. */
  #shown = { milliseconds: 0, until: 0 }
  #sweep: NodeJS.Timeout | undefined
  #destroyed = false

  constructor(options: PoolOptions) {
    super()
    this.#options = options
    this.#connect = buildConnector({
      timeout: options.connectMilliseconds,
      allowH2: false,
      lookup: sharedLookup,
    })
  }

  /**
   * Requests are sent at the end of a turn of the event loop, after checking what idle connections have
   * received by then: unsolicited bytes must not be taken for the answer, nor a closed connection for a lost
   * request.
   */
  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const transfer = new Transfer(options, handler)
    transfer.start()
    if (this.#destroyed) transfer.fail(new errors.ClientDestroyedError())
    if (!transfer.isOver && this.#waiting.push(transfer) === 1) setImmediate(() => this.#sendWaiting())
    return true
  }

  override async close(): Promise<void> {
    await this.destroy()
  }

  override async destroy(): Promise<void> {
    this.#destroyed = true
    clearInterval(this.#sweep)
    const error = new errors.ClientDestroyedError()
    for (const transfer of this.#waiting.splice(0)) transfer.fail(error)
    for (const connection of this.#connections) connection.fail(error)
  }

  #sendWaiting(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const transfer of waiting) if (!transfer.isOver) this.#send(transfer)
  }

  #send(transfer: Transfer): void {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop())
      if (connection.isUsable) return connection.send(transfer)
    this.#open(transfer)
  }

  #open(transfer: Transfer): void {
    const { hostname, host, protocol, port } = this.#options.origin
    const address = { hostname: hostname.replace(/^\[(.*)\]$/, '$1'), host, protocol, port }
    this.#connect(address, (error, socket) => {
      if (error !== null) return transfer.fail(error)
      if (this.#destroyed) {
        socket.destroy()
        return transfer.fail(new errors.ClientDestroyedError())
      }
      const connection = this.#hold(socket)
      if (transfer.isOver) this.#idle.push(connection)
      else connection.send(transfer)
    })
  }

  #hold(socket: Socket): Connection {
    const connection = new Connection(socket, {
      ...this.#options,
      host: this.#options.origin.host,
      idleMilliseconds: () => this.#idleMilliseconds,
      onIdle: () => this.#idle.push(connection),
      onDismissed: (milliseconds) => this.#waitLess(milliseconds),
      onClosed: () => {
        this.#connections.delete(connection)
        const place = this.#idle.indexOf(connection)
        if (place !== -1) this.#idle.splice(place, 1)
      },
    })
    this.#connections.add(connection)
    this.#sweep ??= this.#startSweep()
    return connection
  }

  /**
   * Some servers close idle connections after as little as two seconds and do not say so, such as uvicorn under
   * gunicorn: what is sent on one at that moment is lost, and must not be repeated.
   */
  #waitLess(milliseconds: number): void {
    const half = Math.max(milliseconds / 2, leastIdleMilliseconds)
    if (half >= this.#idleMilliseconds) return
    this.#shown = { milliseconds: half, until: performance.now() + trustMilliseconds }
  }

  get #idleMilliseconds(): number {
    const { milliseconds, until } = this.#shown
    return performance.now() < until ? milliseconds : this.#options.idleMilliseconds
  }

  /** One timer for all connections. */
  #startSweep(): NodeJS.Timeout {
    const often = Math.min(sweepMilliseconds, this.#options.headMilliseconds / 4)
    let next = performance.now() + often
    return setInterval(() => {
      const now = performance.now()
      const stood = Math.max(0, now - next)
      next = now + often
      for (const connection of this.#connections) connection.expire(now, stood)
    }, often).unref()
  }
}
