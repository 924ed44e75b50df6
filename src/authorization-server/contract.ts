import type { IncomingMessage, ServerResponse } from 'node:http'

/** The embedded authorization server, whatever it is made of. Nothing outside this folder knows oidc-provider. */
export interface AuthorizationServer {
  readonly issuer: string
  /** Answers every request that is not for an MCP server. */
  handle(req: IncomingMessage, res: ServerResponse): void
  /** Takes up no new keys any more. Requests that are running end as they began. */
  stop(): void
}
