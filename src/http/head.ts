/**
 * What the request path needs to know of a request's headers, read in one pass over node's raw list. All values are
 * untrusted. A header of which only one may be sent, sent twice, is named in `duplicated`.
 */
export interface Head {
  readonly host: string | undefined
  readonly origin: string | undefined
  readonly authorization: string | undefined
  readonly dpop: string | undefined
  readonly contentType: string | undefined
  readonly contentEncoding: string | undefined
  readonly contentLength: string | undefined
  readonly protocolVersion: string | undefined
  readonly mcpMethod: string | undefined
  readonly mcpName: string | undefined
  readonly sessionId: string | undefined
  readonly lastEventId: string | undefined
  readonly preflightMethod: string | undefined
  readonly preflightHeaders: string | undefined
  /** Names and values, alternating, of the headers that an MCP server may see. */
  readonly forwardable: readonly string[]
  readonly duplicated: string | undefined
}

type Field = Exclude<keyof Head, 'forwardable' | 'duplicated'>

const fields: Readonly<Record<string, Field>> = {
  host: 'host',
  origin: 'origin',
  authorization: 'authorization',
  dpop: 'dpop',
  'content-type': 'contentType',
  'content-encoding': 'contentEncoding',
  'content-length': 'contentLength',
  'mcp-protocol-version': 'protocolVersion',
  'mcp-method': 'mcpMethod',
  'mcp-name': 'mcpName',
  'mcp-session-id': 'sessionId',
  'last-event-id': 'lastEventId',
  'access-control-request-method': 'preflightMethod',
  'access-control-request-headers': 'preflightHeaders',
}
const fieldOf: ReadonlyMap<string, Field> = new Map(Object.entries(fields))

/** Everything else that a client sends stays at the gate: credentials, cookies, and whatever claims an identity. */
const forwarded = new Set([
  'accept',
  'accept-language',
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
  'traceparent',
  'tracestate',
  'user-agent',
])

/** Reads node's `rawHeaders`. */
export function readHead(raw: readonly string[]): Head {
  const head: { -readonly [K in Field]: string | undefined } = {
    host: undefined,
    origin: undefined,
    authorization: undefined,
    dpop: undefined,
    contentType: undefined,
    contentEncoding: undefined,
    contentLength: undefined,
    protocolVersion: undefined,
    mcpMethod: undefined,
    mcpName: undefined,
    sessionId: undefined,
    lastEventId: undefined,
    preflightMethod: undefined,
    preflightHeaders: undefined,
  }
  const forwardable: string[] = []
  let duplicated: string | undefined
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] as string).toLowerCase()
    const value = raw[index + 1] as string
    const field = fieldOf.get(name)
    if (field !== undefined) {
      if (head[field] !== undefined) duplicated ??= name
      head[field] = value
    }
    if (forwarded.has(name) || name.startsWith('mcp-param-')) forwardable.push(name, value)
  }
  return { ...head, forwardable, duplicated }
}
