import type { Sink } from './sink.ts'

/** The streams on which a client receives what belongs to no request. A client may have several. */
export interface Listeners {
  add(sink: Sink): void
  remove(sink: Sink): void
  /**
   * The stream that gets the next message: no message goes to two of them (MCP transports, "Multiple
   * Connections").
   */
  readonly current: Sink | undefined
  /** Ends all of them, when nothing more will come. */
  end(): void
}

/** Initially there are none. */
export function createListeners(): Listeners {
  const sinks = new Set<Sink>()
  return {
    add: (sink) => void sinks.add(sink),
    remove: (sink) => void sinks.delete(sink),
    get current() {
      return [...sinks].at(-1)
    },
    end() {
      const ended = [...sinks]
      sinks.clear()
      for (const sink of ended) sink.end(200)
    },
  }
}
