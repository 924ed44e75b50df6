/** W3C trace context as received. Untrusted. */
export interface TraceContext {
  readonly traceparent: string | undefined
  readonly tracestate: string | undefined
}

/** Reads the trace context from headers: names and values, alternating. They are untrusted. */
export function traceContextOf(headers: readonly string[]): TraceContext {
  const find = (name: string): string | undefined => {
    const at = headers.findIndex((header, index) => index % 2 === 0 && header.toLowerCase() === name)
    return at === -1 ? undefined : headers[at + 1]
  }
  return { traceparent: find('traceparent'), tracestate: find('tracestate') }
}

/** The headers with their trace context replaced by other headers. */
export function replaceTraceContext(headers: readonly string[], context: readonly string[]): string[] {
  const kept: string[] = []
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] as string
    if (!/^trace(?:parent|state)$/i.test(name)) kept.push(name, headers[index + 1] as string)
  }
  return [...kept, ...context]
}
