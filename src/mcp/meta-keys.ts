const key = <Name extends string>(name: Name): `io.modelcontextprotocol/${Name}` =>
  `io.modelcontextprotocol/${name}`

/** The keys of `_meta` that MCP 2026-07-28 has given a meaning; in the legacy era they have none. */
export const metaKeys = {
  /** The revision that a request speaks. */
  protocolVersion: key('protocolVersion'),
  clientInfo: key('clientInfo'),
  /** What the client of a request can do. */
  clientCapabilities: key('clientCapabilities'),
  /** The least severe log message that a request wants to hear of. */
  logLevel: key('logLevel'),
  serverInfo: key('serverInfo'),
  /** The subscription that a message belongs to. */
  subscriptionId: key('subscriptionId'),
} as const
