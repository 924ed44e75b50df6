import type { Sink } from './sink.ts'

/** The streams on which a client hears what belongs to no request. A client may hold several. */
export interface Listeners {
  add(sink: Sink): void
  remove(sink: Sink): void
  /** The one that gets the next message: no message goes to two of them (MCP transports, "Multiple Connections"). */
  readonly current: Sink | undefined
  /** Ends all of them: nothing will come any more. */
  end(): void
}

/** None yet. */
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
