import type { RequestEvent } from './event.ts'
import type { TraceContext } from './trace-context.ts'

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
