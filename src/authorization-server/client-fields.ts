/** Where the requested scope of a registration is kept: as an allowlist it would stop every later step-up. */
export const requestedScopeField = 'requested_scope'

/** The most that a client may get, as its operator has set it. */
export const allowedScopesField = 'allowed_scopes'

/** The names of the MCP servers that an operator lets a client have tokens for. */
export const allowedUpstreamsField = 'allowed_upstreams'

/** Whether an operator made the client known. */
export const operatorClientField = 'operator_client'
