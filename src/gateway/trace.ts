import { isJsonObject } from '../core/json-object.ts'
import type { Exchange } from '../http/exchange.ts'
import type { RequestEvent } from '../telemetry/event.ts'
import { type TraceContext, traceContextOf } from '../telemetry/trace-context.ts'
import type { RequestTrace, Traces } from '../telemetry/trace-contract.ts'
import type { Call } from './call.ts'
import type { Note } from './note.ts'

/** Begins the trace of a request that goes on to a server; undefined if nothing is traced. */
export function beginTrace(
  traces: Traces | undefined,
  { head, began }: Exchange,
  call: Call,
): RequestTrace | undefined {
  return traces?.begin({ header: traceContextOf(head.forwardable), message: contextOfMessage(call) }, began)
}

/**
 * Ends the trace of a request that is over. A request that was passed on to the authorization server is
 * traced there.
 */
export function endTrace(traces: Traces, { head }: Exchange, note: Note, event: RequestEvent): void {
  if (note.trace !== undefined) note.trace.end(event)
  else if (note.kind !== 'proxy')
    traces.record({ header: traceContextOf(head.forwardable), message: undefined }, event)
}

/** The trace context in the client's `_meta` (MCP, "Trace Context"); its members are untrusted. */
function contextOfMessage({ methods }: Call): TraceContext | undefined {
  const meta = methods.length === 1 ? methods[0]?.params['_meta'] : undefined
  if (!isJsonObject(meta)) return undefined
  const { traceparent, tracestate } = meta
  if (typeof traceparent !== 'string') return undefined
  return { traceparent, tracestate: typeof tracestate === 'string' ? tracestate : undefined }
}
