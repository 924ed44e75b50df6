import { endStream } from '../http/end-stream.ts'
import { writeEvent } from '../http/event-stream.ts'
import type { Exchange } from '../http/exchange.ts'
import { endOfListening } from '../mcp/subscriptions.ts'
import { type CallSummary, isEndless } from './call.ts'
import type { Note } from './note.ts'

/** How requests that are running come to an end. */
export interface RequestEndings {
  /**
   * Still answers requests, but as the last on their connections, and ends the streams that would otherwise
   * never end.
   */
  readonly endStreams: () => void
  /**
   * For a gateway that has been replaced: ends the streams of requests that are `over`, including those
   * still opening, and resolves when no such request is running any more.
   */
  readonly leave: (over: (note: Note) => boolean) => Promise<void>
  /** Resolves when nothing is running any more. */
  readonly idle: () => Promise<void>
  /** Stops watching streams. */
  readonly stop: () => void
}

/** The requests that are running. */
interface RunningRequests extends RequestEndings {
  /** Whether the requests that come now are the last ones on their connections. */
  readonly areLast: boolean
  add(exchange: Exchange, note: Note): void
  remove(exchange: Exchange): void
}

const streamCheckMilliseconds = 1000

/** Watches what is running. A stream that a client holds open ends within a second if it may not go on. */
export function runningRequests(mayGoOn: (note: Note) => boolean): RunningRequests {
  const live = new Map<Exchange, Note>()
  const waiting = new Set<() => void>()
  const left: ((note: Note) => boolean)[] = []
  let draining = false

  const endWhere = (which: (note: Note) => boolean): void => {
    for (const [{ res }, note] of live) {
      if (note.call !== undefined && isEndless(note.call) && res.headersSent && which(note))
        endStream(res, lastEvent(note.call))
    }
  }

  /** Resolves when none of the matching requests is running. */
  const whenNone = (meant: (note: Note) => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        for (const note of live.values()) if (meant(note)) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
    })

  const streamCheck = setInterval(
    () => endWhere((note) => draining || !mayGoOn(note) || left.some((over) => over(note))),
    streamCheckMilliseconds,
  ).unref()

  return {
    get areLast() {
      return draining
    },
    add: (exchange, note) => void live.set(exchange, note),
    remove(exchange) {
      live.delete(exchange)
      for (const look of waiting) look()
    },
    endStreams() {
      draining = true
      endWhere(() => true)
    },
    leave(over) {
      left.push(over)
      endWhere(over)
      return whenNone(over)
    },
    idle: () => whenNone(() => true),
    stop: () => clearInterval(streamCheck),
  }
}

/** The last event of a stream that a client holds open: the answer to its request, if there is one. */
function lastEvent({ id }: CallSummary): string | undefined {
  return id === undefined ? undefined : writeEvent(endOfListening(id))
}
