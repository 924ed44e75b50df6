/**
 * What the request path needs to know of a request's headers, read in one pass over Node's raw list. All
 * values are untrusted. If a header that may be sent only once is sent twice, `duplicated` names it.
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
  /** Alternating names and values of the headers that an MCP server may see. */
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

/**
 * Everything else that a client sends stays at the gateway: credentials, cookies, and anything that claims an
 * identity.
 */
const forwarded = [
  'accept',
  'accept-language',
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
  'traceparent',
  'tracestate',
  'user-agent',
]

interface Use {
  readonly field: Field | undefined
  readonly isForwarded: boolean
}

const uses: ReadonlyMap<string, Use> = new Map(
  [...Object.keys(fields), ...forwarded].map((name) => [
    name,
    { field: fields[name], isForwarded: forwarded.includes(name) },
  ]),
)

/** Reads Node's `rawHeaders`. */
export function readHead(raw: readonly string[]): Head {
  const forwardable: string[] = []
  const head: { -readonly [K in keyof Head]: Head[K] } = {
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
    forwardable,
    duplicated: undefined,
  }
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] as string).toLowerCase()
    const value = raw[index + 1] as string
    const use = uses.get(name)
    if (use?.field !== undefined) {
      if (head[use.field] !== undefined) head.duplicated ??= name
      head[use.field] = value
    }
    if (use?.isForwarded === true || name.startsWith('mcp-param-')) forwardable.push(name, value)
  }
  return head
}
