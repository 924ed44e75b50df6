/** The error codes of JSON-RPC 2.0 (section 5.1) and MCP that servers and clients send each other. */
export const errorCodes = {
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  /** Until MCP 2025-11-25. */
  resourceNotFound: -32002,
  /** The three codes of MCP 2026-07-28 with their own HTTP statuses. */
  headerMismatch: -32020,
  missingClientCapability: -32021,
  unsupportedProtocolVersion: -32022,
  /** A server of MCP 2025-11-25 wants the user to open a URL first (Elicitation, URL mode). */
  urlElicitationRequired: -32042,
} as const
