import type { Json } from './json-rpc.ts'

/** The end of an initialization, over a channel where each message takes its own way to the server. */
export interface Handshake {
  /** Resolves when the server has the client's `initialized`; undefined if that is not on its way. */
  readonly pending: Promise<void> | undefined
  /** Takes note of a message. `answered` settles when the server has answered it. */
  note(message: Json, answered: Promise<unknown>): void
}

/**
 * Keeps requests from overtaking `notifications/initialized`, before which a server may refuse them (MCP
 * 2025-11-25, lifecycle, "Initialization").
 */
export function createHandshake(): Handshake {
  let pending: Promise<void> | undefined
  const over = (): void => {
    pending = undefined
  }
  return {
    get pending() {
      return pending
    },
    note({ method }, answered) {
      if (method === 'notifications/initialized') pending = answered.then(over, over)
    },
  }
}
