import type { ServerResponse } from 'node:http'
import type { Dispatcher, errors } from 'undici'
import { type ErrorCode, Refusal } from '../core/errors.ts'
import { endStreamBy } from './end-stream.ts'
import { endAnswer, readPatience } from './unread.ts'

/** The status and the headers, alternating names and values, with which a relayed response begins. */
export interface ResponseHead {
  readonly status: number
  readonly headers: readonly string[]
}

/** The headers of the answering server: lower-case names. Untrusted. */
export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>

/** Changes a body on its way. Either method throws where the body is not what it can be changed as. */
export interface Transform {
  /** Takes a chunk and returns what can leave by now. */
  readonly take: (chunk: Buffer) => string
  /** The body has ended: returns what is left. */
  readonly end: () => string
}

interface Patience {
  readonly silence: number
  readonly stall: number
}

/** Proxies cut what is silent for a minute or even half of one. */
const usualPatience: Patience = { silence: 20_000, stall: readPatience }

interface Relay {
  readonly dispatcher: Dispatcher
  readonly request: Dispatcher.DispatchOptions
  readonly res: ServerResponse
  /** Turns the answer's head into the client's, or throws a Refusal to give the client something else. */
  readonly accept: (status: number, headers: AnswerHeaders) => ResponseHead
  /** What happens to the running request when the client goes away. */
  readonly onClientGone: 'abort' | 'drain'
  /** Makes the change for an answer of a media type; without one the bytes pass untouched. */
  readonly transform?: (contentType: string) => Transform | undefined
  /** How long a stream may be silent before it shows that it lives, and a client may read nothing: milliseconds. */
  readonly patience?: Patience
  /** The text that ends an event stream which the server cut, if one can be sent after `tail`, the last chunk. */
  readonly closeCutStream?: (tail: Buffer) => string | undefined
}

/**
 * Sends a request on and streams the answer back, unbuffered, with backpressure both ways. Resolves when the answer
 * has ended for the client. Rejects with a Refusal as long as nothing was sent to the client, and later only where the
 * body cannot be changed as it must be: then the answer has to be cut off.
 */
export function relay(options: Relay): Promise<void> {
  if (options.res.closed) return Promise.resolve()
  return new Promise((resolve, reject) => {
    options.dispatcher.dispatch(options.request, new RelayHandler(options, resolve, reject))
  })
}

class ClientGone extends Error {}

const shortBytes = 16 * 1024
/** How long an event may take that was under way when its stream was to end. */
const lastEventMilliseconds = 5000

/** Whether nothing or a whole event has been sent, so that something can be put after it. */
export function endsEvent(tail: Buffer): boolean {
  const end = tail.subarray(-4).toString('latin1')
  return tail.length === 0 || end.endsWith('\n\n') || end === '\r\n\r\n'
}

class RelayHandler implements Dispatcher.DispatchHandler {
  readonly #options: Relay
  readonly #resolve: () => void
  readonly #reject: (error: unknown) => void
  #controller: Dispatcher.DispatchController | undefined
  #started = false
  #gone = false
  /** The server has ended the answer, or failed to. */
  #over = false
  #tail: Buffer = Buffer.alloc(0)
  #streamsEvents = false
  /** How long a body is that passes untouched; undefined where that is not known. */
  #length: number | undefined
  #transform: Transform | undefined
  #heartbeat: NodeJS.Timeout | undefined
  #stalled: NodeJS.Timeout | undefined
  #wasSilent = false
  /** What ends the stream when the event is complete that is under way. */
  #ending: { readonly text: string | undefined; readonly timer: NodeJS.Timeout } | undefined

  constructor(options: Relay, resolve: () => void, reject: (error: unknown) => void) {
    this.#options = options
    this.#resolve = resolve
    this.#reject = reject
    options.res.on('close', () => this.#letGo())
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#gone && this.#options.onClientGone === 'abort') controller.abort(new ClientGone())
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: AnswerHeaders): void {
    if (status < 200) return
    let head: ResponseHead
    try {
      head = this.#options.accept(status, headers)
    } catch (refusal) {
      this.#reject(refusal)
      this.#gone = true
      controller.abort(new ClientGone())
      return
    }
    if (this.#gone) return
    this.#started = true
    const type = String(headers['content-type'])
    this.#streamsEvents = type.startsWith('text/event-stream')
    this.#transform = this.#options.transform?.(type)
    // Text cannot be put between what is compressed.
    const takesText = headers['content-encoding'] === undefined
    if (this.#streamsEvents && takesText) this.#keepAlive()
    if (this.#streamsEvents) endStreamBy(this.#options.res, (text) => this.#end(takesText ? text : undefined))
    this.#options.res.writeHead(head.status, head.headers as string[])
    const length = headers['content-length']
    // A short answer leaves in one packet with its headers; a stream must show its headers at once.
    if (length === undefined) this.#options.res.flushHeaders()
    else if (this.#transform === undefined && !this.#streamsEvents) this.#length = Number(length)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isDeaf) return this.#letGo()
    this.#tail = chunk
    this.#wasSilent = false
    if (chunk.length === this.#length) return this.#sendWhole(chunk)
    const sent = this.#transform === undefined ? chunk : this.#change(() => this.#transform?.take(chunk))
    if (sent === undefined) return controller.abort(new ClientGone())
    if (sent.length > 0 && !this.#options.res.write(sent)) {
      controller.pause()
      this.#awaitReader(controller)
    }
    if (this.#ending !== undefined && endsEvent(chunk)) this.#options.res.end(this.#ending.text)
  }

  /** Ends the stream before the server does: after the event that is under way, which else is cut off. */
  #end(text: string | undefined): void {
    const { res } = this.#options
    if (this.#transform !== undefined || endsEvent(this.#tail)) res.end(text)
    else this.#ending ??= { text, timer: setTimeout(() => res.destroy(), lastEventMilliseconds).unref() }
  }

  /** Text joins the head in one piece of memory, where bytes would be a second one. */
  #sendWhole(body: Buffer): void {
    if (body.length > shortBytes) this.#options.res.end(body)
    else this.#options.res.end(body.toString('latin1'), 'latin1')
  }

  onResponseEnd(): void {
    this.#over = true
    if (!this.#isDeaf) {
      const rest = this.#transform === undefined ? '' : this.#change(() => this.#transform?.end())
      clearTimeout(this.#stalled)
      if (rest !== undefined) endAnswer(this.#options.res, rest, this.#options.patience?.stall)
    }
    this.#resolve()
  }

  /** A client that reads nothing for long is let go, since the server's answer waits for it. */
  #awaitReader(controller: Dispatcher.DispatchController): void {
    const { res, patience = usualPatience } = this.#options
    this.#stalled = setTimeout(() => res.destroy(), patience.stall).unref()
    res.once('drain', () => {
      clearTimeout(this.#stalled)
      controller.resume()
    })
  }

  /** A comment now and then, between two events, keeps proxies from taking a silent stream for a dead one (MCP O15). */
  #keepAlive(): void {
    const { res, patience = usualPatience } = this.#options
    this.#heartbeat = setInterval(() => {
      const fits = this.#transform !== undefined || endsEvent(this.#tail)
      if (this.#wasSilent && fits && !res.writableEnded) res.write(': \n\n')
      this.#wasSilent = true
    }, patience.silence / 2).unref()
  }

  /** What cannot be changed must not pass as it is: whoever asked cuts the answer off, and learns why. */
  #change(change: () => string | undefined): string | undefined {
    try {
      return change()
    } catch (cause) {
      this.#gone = true
      // The message of the error could repeat what the answer holds.
      const reason = `the answer cannot be read: ${(cause as Error).name}`
      this.#reject(new Refusal('upstream_invalid', { reason, cause }))
      return undefined
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#over = true
    if (this.#isDeaf) this.#resolve()
    else if (!this.#started) this.#reject(refusalFor(error))
    else {
      const ending = this.#streamsEvents ? this.#options.closeCutStream?.(this.#tail) : undefined
      if (ending === undefined) this.#options.res.destroy()
      else this.#options.res.end(ending)
      this.#resolve()
    }
  }

  /** Nobody hears the answer any more: the client went away, or the gate ended it before the server did. */
  get #isDeaf(): boolean {
    return this.#gone || this.#options.res.writableEnded
  }

  #letGo(): void {
    clearInterval(this.#heartbeat)
    clearTimeout(this.#stalled)
    clearTimeout(this.#ending?.timer)
    if (this.#over || this.#gone) return
    this.#gone = true
    if (this.#options.onClientGone === 'abort') this.#controller?.abort(new ClientGone())
    // A paused answer would otherwise wait for a client that is no longer there.
    else this.#controller?.resume()
    this.#resolve()
  }
}

const refusals: Readonly<Record<string, ErrorCode>> = {
  UND_ERR_HEADERS_TIMEOUT: 'upstream_timeout',
  UND_ERR_BODY_TIMEOUT: 'upstream_timeout',
  UND_ERR_HEADERS_OVERFLOW: 'upstream_invalid',
  UND_ERR_SOCKET: 'upstream_interrupted',
  ECONNRESET: 'upstream_interrupted',
  EPIPE: 'upstream_interrupted',
}

/** Turns what undici threw into the refusal that the client gets. */
export function refusalFor(error: Error & Partial<errors.UndiciError>): Refusal {
  const code = error.code ?? error.name
  const kind = error.name === 'HTTPParserError' ? 'upstream_invalid' : refusals[code]
  return new Refusal(kind ?? 'upstream_unreachable', { reason: `${code}: ${error.message}`, cause: error })
}
