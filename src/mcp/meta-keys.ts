const key = <Name extends string>(name: Name): `io.modelcontextprotocol/${Name}` =>
  `io.modelcontextprotocol/${name}`

/** The keys of `_meta` that MCP 2026-07-28 defines; in the legacy era they have no meaning. */
export const metaKeys = {
  /** The revision of a request. */
  protocolVersion: key('protocolVersion'),
  clientInfo: key('clientInfo'),
  /** The capabilities of a request's client. */
  clientCapabilities: key('clientCapabilities'),
  /** The minimum severity of the log messages that a request wants to receive. */
  logLevel: key('logLevel'),
  serverInfo: key('serverInfo'),
  /** The subscription that a message belongs to. */
  subscriptionId: key('subscriptionId'),
} as const
