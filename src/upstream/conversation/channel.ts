import type { Refusal } from '../../core/errors.ts'
import type { Json } from './json-rpc.ts'

/** What a channel tells of. */
export interface ChannelEvents {
  /** A message of the server. `related` is the id of our request on whose answer it came, where the channel knows. */
  readonly onMessage: (message: Json, related?: number) => void
  /** No answer will come to this request. */
  readonly onFailure: (id: number, refusal: Refusal) => void
  /** What belongs to no request is no longer heard. */
  readonly onUnheard: () => void
  /** Told once: nothing goes through any more. */
  readonly onClosed: (refusal: Refusal) => void
}

/** A way for single messages to a server and back, whatever carries them: pipes, or one of the HTTP transports. */
export interface Channel {
  /** Sends a message. `id` is that of a request; `headers` go with it where the channel has headers. */
  send(message: Json, options: { readonly headers: readonly string[]; readonly id: number | undefined }): void
  /** Gives a request up: sends `notification`, or does what stands for it here. */
  abandon(id: number, notification: Json, headers: readonly string[]): void
  /** Begins to hear messages that belong to no request, where that needs a stream of its own. */
  hear(headers: readonly string[]): void
  /** Stops that. */
  unhear(): void
  close(): Promise<void>
}

/** Opens a channel. `headers` are those of the request that needs it: names and values, alternating. */
export type OpenChannel = (events: ChannelEvents, headers: readonly string[]) => Channel
