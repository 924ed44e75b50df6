/**
 * Where the requested scope of a registration is kept; as an allowlist it would prevent every later step-up.
 */
export const requestedScopeField = 'requested_scope'

/** All scopes that a client may get, as set by its operator. */
export const allowedScopesField = 'allowed_scopes'

/** The names of the MCP servers that an operator lets a client have tokens for. */
export const allowedUpstreamsField = 'allowed_upstreams'

/** Whether an operator registered the client. */
export const operatorClientField = 'operator_client'
