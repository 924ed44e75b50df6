import type { RequestEvent } from './event.ts'

/** W3C trace context as somebody sent it. Untrusted. */
export interface TraceContext {
  readonly traceparent: string | undefined
  readonly tracestate: string | undefined
}

/** Where a request says that it comes from: in its HTTP headers, and in the `_meta` of its MCP message. */
export interface TraceOrigin {
  readonly header: TraceContext
  readonly message: TraceContext | undefined
}

/** A request that is being traced. */
export interface RequestTrace {
  /** The headers with which it goes on to a server: names and values, alternating. */
  readonly headers: readonly string[]
  /** Tells that it goes to the server now: the call of it is a span of its own. */
  went(): void
  /** Tells what became of it. */
  end(event: RequestEvent): void
}

/** Traces of requests. There are none of them unless an operator wants them. */
export interface Traces {
  /** A request that goes on to somebody. `began` is of `performance.now()`. */
  begin(origin: TraceOrigin, began: number): RequestTrace
  /** A request that is over and went nowhere. */
  record(origin: TraceOrigin, event: RequestEvent): void
  /** Sends what is not sent yet. */
  close(): Promise<void>
}

/** Reads the context from headers: names and values, alternating. */
export function contextOf(headers: readonly string[]): TraceContext {
  const find = (name: string): string | undefined => {
    const at = headers.findIndex((header, index) => index % 2 === 0 && header.toLowerCase() === name)
    return at === -1 ? undefined : headers[at + 1]
  }
  return { traceparent: find('traceparent'), tracestate: find('tracestate') }
}

/** The headers with another context in place of theirs. */
export function replaceContext(headers: readonly string[], context: readonly string[]): string[] {
  const kept: string[] = []
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] as string
    if (!/^trace(?:parent|state)$/i.test(name)) kept.push(name, headers[index + 1] as string)
  }
  return [...kept, ...context]
}
