import type { RequestEvent } from './event.ts'

/** W3C trace context as received. Untrusted. */
export interface TraceContext {
  readonly traceparent: string | undefined
  readonly tracestate: string | undefined
}

/** The origin that a request states: in its HTTP headers, and in the `_meta` of its MCP message. */
export interface TraceOrigin {
  readonly header: TraceContext
  readonly message: TraceContext | undefined
}

/** A request that is being traced. */
export interface RequestTrace {
  /** The headers with which it is passed on to a server: names and values, alternating. */
  readonly headers: readonly string[]
  /** Records that it is now sent to the server: that call is a separate span. */
  went(): void
  /** Records its outcome. */
  end(event: RequestEvent): void
}

/** Traces of requests. There are none unless an operator wants them. */
export interface Traces {
  /** A request that is passed on. `began` is a time of `performance.now()`. */
  begin(origin: TraceOrigin, began: number): RequestTrace
  /** A request that is over and was not passed on. */
  record(origin: TraceOrigin, event: RequestEvent): void
  /** Sends what has not been sent yet. */
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

/** The headers with their context replaced by another. */
export function replaceContext(headers: readonly string[], context: readonly string[]): string[] {
  const kept: string[] = []
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] as string
    if (!/^trace(?:parent|state)$/i.test(name)) kept.push(name, headers[index + 1] as string)
  }
  return [...kept, ...context]
}
