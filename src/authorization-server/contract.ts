import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * The built-in authorization server, however it is implemented. Nothing outside this folder knows
 * oidc-provider.
 */
export interface AuthorizationServer {
  /** Answers every request that is not for an MCP server. */
  handle(req: IncomingMessage, res: ServerResponse): void
  /** Stops adopting new keys. Running requests end as they began. */
  stop(): void
}
