import type { ServerResponse } from 'node:http'
import type { Dispatcher } from 'undici'
import { Refusal } from '../core/errors.ts'
import { beat } from './beat.ts'
import { endStreamBy } from './end-stream.ts'
import { endsEvent, LastEvent, signOfLife } from './event-stream.ts'
import { mediaTypeOf } from './media-type.ts'
import { transportRefusal } from './transport-refusal.ts'
import { endAnswer, readPatience, watchReader } from './unread.ts'

/** The status and the headers, alternating names and values, at the beginning of a relayed response. */
export interface ResponseHead {
  readonly status: number
  readonly headers: readonly string[]
}

/** The headers of the answering server, with lower-case names. Untrusted. */
export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>

/** Changes a body on its way. Both methods throw if the body is not of the kind that they can change. */
export interface Transform {
  /** Takes a chunk and returns what can be sent so far. */
  readonly take: (chunk: Buffer) => string
  /** The body has ended: returns what is left. */
  readonly end: () => string
}

interface Patience {
  readonly silence: number
  readonly stall: number
}

/** Proxies cut a connection that is silent for a minute, or even half a minute. */
const usualPatience: Patience = { silence: 20_000, stall: readPatience }

interface Relay {
  readonly dispatcher: Dispatcher
  readonly request: Dispatcher.DispatchOptions
  readonly res: ServerResponse
  /** Turns the answer's head into the client's, or throws a Refusal to give the client something else. */
  readonly accept: (status: number, headers: AnswerHeaders) => ResponseHead
  /** What happens to the running request when the client disconnects. */
  readonly onClientGone: 'abort' | 'drain'
  /** Called when the client has disconnected from a request that goes on, and that ends with `over`. */
  readonly onLeft?: ((over: Promise<void>) => void) | undefined
  /** Makes the transform for an answer of a media type; without one the bytes pass untouched. */
  readonly transform?: (contentType: string) => Transform | undefined
  /**
   * How long a stream may be silent before it sends a sign of life, and how long a client may read nothing,
   * in milliseconds.
   */
  readonly patience?: Patience
  /**
   * The text that ends an event stream that the server does not end itself, after `last`, the last event that
   * could be read, which is undefined if it is whole and too long to be kept: nothing if the stream is complete.
   * Undefined if it has to break off. `isReadable`: whether more could have followed.
   */
  readonly closeCutStream?:
    | ((last: Buffer | undefined, isReadable: boolean) => string | undefined)
    | undefined
  /** Turns an error of the connection into the refusal that the client gets; by default `transportRefusal`. */
  readonly refusalFor?: (error: Error) => Refusal
}

/**
 * Sends a request on and streams the answer back, unbuffered, with backpressure both ways. Resolves when the
 * answer has ended for the client. Rejects with a Refusal as long as nothing was sent to the client; later
 * only if the body cannot be changed as it must be, in which case an answer that is not ended has to be cut off.
 */
export function relay(options: Relay): Promise<void> {
  if (options.res.closed) return Promise.resolve()
  return new Promise((resolve, reject) => {
    options.dispatcher.dispatch(options.request, new RelayHandler(options, resolve, reject))
  })
}

class ClientGone extends Error {}

const shortBytes = 16 * 1024
/** How long an event that is under way may still take when its stream is being ended. */
const lastEventMilliseconds = 5000

/** A stream can be open for hours, so everything that only its beginning needs is released once it has begun. */
class RelayHandler implements Dispatcher.DispatchHandler {
  readonly #res: ServerResponse
  readonly #onClientGone: Relay['onClientGone']
  readonly #closeCutStream: Relay['closeCutStream']
  readonly #onLeft: Relay['onLeft']
  readonly #patience: Patience
  readonly #refusalFor: (error: Error) => Refusal
  #opening: Pick<Relay, 'accept' | 'transform'> | undefined
  readonly #resolve: () => void
  readonly #reject: (error: unknown) => void
  #controller: Dispatcher.DispatchController | undefined
  /** What an answer begins with, until its first bytes are sent. */
  #head: ResponseHead | undefined
  #gone = false
  /** The server has ended the answer, or failed to. */
  #over = false
  /** Called at that point, if the client had disconnected before. */
  #tellOver: (() => void) | undefined
  #streamsEvents = false
  /** Either nothing or only whole events have been sent. */
  #isBetweenEvents = true
  /** What came last, on a stream that may have to be ended here. */
  #last: LastEvent | undefined
  /** The length of a document that passes untouched; NaN if its server does not say. */
  #length: number | undefined
  #transform: Transform | undefined
  #stopBeat: (() => void) | undefined
  /** Called when something waits for the client to read. */
  #watch: (() => void) | undefined
  #wasSilent = true
  /** What ends the stream once the current event is complete. */
  #ending: { readonly text: string | undefined; readonly timer: NodeJS.Timeout } | undefined

  constructor(options: Relay, resolve: () => void, reject: (error: unknown) => void) {
    const { res, onClientGone, onLeft, closeCutStream, accept, transform } = options
    this.#res = res
    this.#onClientGone = onClientGone
    this.#closeCutStream = closeCutStream
    this.#onLeft = onLeft
    this.#patience = options.patience ?? usualPatience
    this.#refusalFor = options.refusalFor ?? transportRefusal
    this.#opening = transform === undefined ? { accept } : { accept, transform }
    this.#resolve = resolve
    this.#reject = reject
    res.on('close', () => this.#letGo())
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#gone && this.#onClientGone === 'abort') controller.abort(new ClientGone())
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: AnswerHeaders): void {
    if (status < 200) return
    const opening = this.#opening
    let head: ResponseHead | undefined
    try {
      head = opening?.accept(status, headers)
    } catch (refusal) {
      this.#reject(refusal)
      this.#gone = true
      controller.abort(new ClientGone())
      return
    }
    if (this.#gone || head === undefined) return
    this.#head = head
    this.#opening = undefined
    const type = String(headers['content-type'])
    this.#streamsEvents = mediaTypeOf(type) === 'text/event-stream'
    this.#transform = opening?.transform?.(type)
    // Text cannot be inserted into compressed data.
    const takesText = headers['content-encoding'] === undefined
    if (this.#streamsEvents) {
      if (takesText) this.#keepAlive()
      if (takesText && this.#closeCutStream !== undefined) this.#last = new LastEvent()
      endStreamBy(this.#res, (text) => this.#end(takesText ? text : undefined))
      this.#begin()
      this.#res.flushHeaders() // a stream must show its headers at once
    } else if (this.#transform === undefined) this.#length = Number(headers['content-length'])
  }

  /** Until a document's first bytes are there, its client can still get an error in its place. */
  #begin(): void {
    const head = this.#head
    if (head === undefined) return
    this.#head = undefined
    this.#res.writeHead(head.status, head.headers as string[])
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isDeaf) return this.#letGo()
    this.#wasSilent = false
    const sent = this.#transform === undefined ? chunk : this.#change(() => this.#transform?.take(chunk))
    if (sent === undefined) return controller.abort(new ClientGone())
    if (this.#streamsEvents) {
      this.#last?.take(chunk, this.#isBetweenEvents)
      this.#isBetweenEvents = endsEvent(chunk)
    }
    if (sent.length > 0) {
      this.#begin()
      if (chunk.length === this.#length) this.#sendWhole(chunk)
      else if (!this.#res.write(sent)) this.#awaitReader(controller)
    }
    if (this.#ending !== undefined && this.#isBetweenEvents) this.#endWith(this.#ending.text)
  }

  /**
   * Ends the stream before the server does: after the current event, which is cut off if it takes too long.
   */
  #end(text: string | undefined): void {
    if (this.#fitsText) this.#endWith(text)
    else
      this.#ending ??= { text, timer: setTimeout(() => this.#res.destroy(), lastEventMilliseconds).unref() }
  }

  /** Nothing takes the place of what the server has said already. */
  #endWith(text: string | undefined): void {
    endAnswer(this.#res, this.#closing(true) === '' ? undefined : text, this.#patience.stall)
  }

  /** What ends the stream if the server has cut it here, or says what is not readable. */
  #closing(isReadable: boolean): string | undefined {
    return this.#last && this.#closeCutStream?.(this.#last.bytes, isReadable)
  }

  /** Whether something can follow what was sent; a body that is changed is sent event by event. */
  get #fitsText(): boolean {
    return this.#transform !== undefined || this.#isBetweenEvents
  }

  /** A string is sent in one piece with the head, where bytes would be a second one. */
  #sendWhole(body: Buffer): void {
    if (body.length > shortBytes) this.#res.end(body)
    else this.#res.end(body.toString('latin1'), 'latin1')
  }

  onResponseEnd(): void {
    this.#over = true
    this.#tellOver?.()
    if (!this.#isDeaf) {
      const rest = this.#transform === undefined ? '' : this.#change(() => this.#transform?.end())
      if (rest !== undefined) {
        this.#begin()
        endAnswer(this.#res, rest, this.#patience.stall)
      }
    }
    this.#resolve()
  }

  /** Drops a client that reads nothing for long, since the server's answer waits for it. */
  #awaitReader(controller: Dispatcher.DispatchController): void {
    controller.pause()
    this.#watch ??= watchReader(this.#res, this.#patience.stall)
    this.#watch()
    this.#res.once('drain', () => controller.resume())
  }

  /**
   * A comment now and then, between two events, keeps proxies from considering a silent stream dead
   * (MCP O15).
   */
  #keepAlive(): void {
    this.#stopBeat = beat(() => {
      if (this.#wasSilent && this.#fitsText && !this.#res.writableEnded) this.#res.write(signOfLife)
      this.#wasSilent = true
    }, this.#patience.silence / 2)
  }

  /** What cannot be changed must not pass unchanged: the caller cuts the answer off if need be, and learns why. */
  #change(change: () => string | undefined): string | undefined {
    try {
      return change()
    } catch (cause) {
      this.#gone = true
      const ending = this.#closing(false)
      if (ending !== undefined) endAnswer(this.#res, ending, this.#patience.stall)
      // The message of the error could repeat parts of the answer.
      const reason = `the answer cannot be read: ${(cause as Error).name}`
      this.#reject(new Refusal('upstream_invalid', { reason, cause }))
      return undefined
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#over = true
    this.#tellOver?.()
    if (this.#isDeaf) this.#resolve()
    else if (!this.#res.headersSent) this.#reject(this.#refusalFor(error))
    else {
      const ending = this.#fitsText ? this.#closing(true) : undefined
      if (ending === undefined) this.#res.destroy()
      else endAnswer(this.#res, ending, this.#patience.stall)
      this.#resolve()
    }
  }

  /**
   * Nobody reads the answer any more: the client disconnected, or the gateway ended it before the server did.
   */
  get #isDeaf(): boolean {
    return this.#gone || this.#res.writableEnded
  }

  #letGo(): void {
    this.#stopBeat?.()
    clearTimeout(this.#ending?.timer)
    if (this.#over || this.#gone) return
    this.#gone = true
    if (this.#onClientGone === 'abort') this.#controller?.abort(new ClientGone())
    else {
      this.#onLeft?.(new Promise((resolve) => (this.#tellOver = resolve)))
      // A paused answer would otherwise wait for a client that is gone.
      this.#controller?.resume()
    }
    this.#resolve()
  }
}
