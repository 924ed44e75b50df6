import type { Refusal } from '../../core/errors.ts'
import type { Json } from './json-rpc.ts'

/** The events of a channel. */
export interface ChannelEvents {
  /**
   * A message from the server. `related` is the id of our request whose answer it came with, if the channel
   * knows.
   */
  readonly onMessage: (message: Json, related?: number) => void
  /** This request will not be answered. */
  readonly onFailure: (id: number, refusal: Refusal) => void
  /** Messages that belong to no request are no longer received. */
  readonly onUnheard: () => void
  /** Called once: nothing can be sent or received any more. */
  readonly onClosed: (refusal: Refusal) => void
}

/** Carries single messages to a server and back, over pipes or one of the HTTP transports. */
export interface Channel {
  /** Sends a message. `id` is that of a request; `headers` go with it if the channel has headers. */
  send(message: Json, options: { readonly headers: readonly string[]; readonly id: number | undefined }): void
  /** Gives up a request: sends `notification`, or does the equivalent for this channel. */
  abandon(id: number, notification: Json, headers: readonly string[]): void
  /** Starts to receive messages that belong to no request, if that needs a separate stream. */
  hear(headers: readonly string[]): void
  /** Stops receiving them. */
  unhear(): void
  close(): Promise<void>
}

/** Opens a channel. `headers` are those of the request that needs it, alternating names and values. */
export type OpenChannel = (events: ChannelEvents, headers: readonly string[]) => Channel
