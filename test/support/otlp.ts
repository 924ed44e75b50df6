/** A span as a collector reads it (OTLP 1, opentelemetry.proto.trace.v1.Span). Ids are hexadecimal. */
export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  /** Empty for the first span of a trace. */
  readonly parentSpanId: string
  readonly traceState: string
  readonly name: string
  /** 2 is SERVER, 3 is CLIENT. */
  readonly kind: number
  /** Nanoseconds since the epoch. */
  readonly start: bigint
  readonly end: bigint
  readonly attributes: Readonly<Record<string, string>>
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  /** 2 is ERROR. */
  readonly status: number
}

/** Reads the spans of an ExportTraceServiceRequest in protobuf. Throws for anything else. */
export function readSpans(request: Buffer): ReceivedSpan[] {
  return fieldsOf(request)
    .get(1)
    .flatMap((resourceSpans) => fieldsOf(resourceSpans).get(2))
    .flatMap((scopeSpans) => fieldsOf(scopeSpans).get(2))
    .map(readSpan)
}

function readSpan(bytes: Buffer): ReceivedSpan {
  const span = fieldsOf(bytes)
  return {
    ...idsOf(span),
    parentSpanId: span.first(4).toString('hex'),
    traceState: span.first(3).toString(),
    name: span.first(5).toString(),
    kind: numberOf(span.first(6)),
    start: span.first(7).readBigUInt64LE(),
    end: span.first(8).readBigUInt64LE(),
    attributes: Object.fromEntries(
      span.get(9).map((attribute) => {
        const keyValue = fieldsOf(attribute)
        return [keyValue.first(1).toString(), fieldsOf(keyValue.first(2)).first(1).toString()]
      }),
    ),
    links: span.get(13).map((link) => idsOf(fieldsOf(link))),
    status: numberOf(fieldsOf(span.first(15)).first(3)),
  }
}

function idsOf(fields: Fields): { traceId: string; spanId: string } {
  return { traceId: fields.first(1).toString('hex'), spanId: fields.first(2).toString('hex') }
}

interface Fields {
  /** The values of a field, in order. */
  get(field: number): readonly Buffer[]
  /** The first of them, or no bytes. */
  first(field: number): Buffer
}

/** The wire format of protobuf: each field with the bytes of its value; varints in encoded form. */
function fieldsOf(message: Buffer): Fields {
  const values = new Map<number, Buffer[]>()
  for (let at = 0; at < message.length; ) {
    const tag = varintAt(message, at)
    at = tag.end
    const [begin, end] = extentOf(message, at, tag.value & 7)
    if (end > message.length) throw new Error('a field ends behind its message')
    const field = tag.value >> 3
    values.set(field, [...(values.get(field) ?? []), message.subarray(begin, end)])
    at = end
  }
  const get = (field: number): readonly Buffer[] => values.get(field) ?? []
  return { get, first: (field) => get(field)[0] ?? Buffer.alloc(0) }
}

function extentOf(message: Buffer, at: number, wireType: number): [number, number] {
  if (wireType === 0) return [at, varintAt(message, at).end]
  if (wireType === 1) return [at, at + 8]
  if (wireType === 5) return [at, at + 4]
  if (wireType !== 2) throw new Error(`no wire type is ${wireType}`)
  const length = varintAt(message, at)
  return [length.end, length.end + length.value]
}

function varintAt(message: Buffer, at: number): { readonly value: number; readonly end: number } {
  let value = 0
  for (let end = at; end < message.length; end++) {
    const byte = message[end] as number
    value += (byte & 0x7f) * 2 ** (7 * (end - at))
    if (byte < 0x80) return { value, end: end + 1 }
  }
  throw new Error('a varint has no end')
}

function numberOf(varint: Buffer): number {
  return varint.length === 0 ? 0 : varintAt(varint, 0).value
}
