import { Refusal } from '../core/errors.ts'
import { checkDeclaredLength } from '../http/body.ts'
import type { Exchange } from '../http/exchange.ts'
import { attachCredential } from './attach-credential.ts'
import { authenticate } from './authenticate.ts'
import { authorize, neededScopes } from './authorize.ts'
import { challengeStepUp, type StepUpMemory } from './challenge-step-up.ts'
import { forward } from './forward.ts'
import type { IdentityTokens } from './identity-token.ts'
import type { Note } from './note.ts'
import { type CallLimits, readCall } from './read-call.ts'
import type { Sessions } from './session.ts'
import type { TokenVerifier } from './token-verifier.ts'
import type { Upstream } from './upstream.ts'

/** What the MCP request path needs. */
export interface McpPorts {
  readonly tokens: TokenVerifier
  readonly sessions: Sessions
  readonly stepUps: StepUpMemory
  readonly identity: IdentityTokens
  readonly limits: CallLimits
}

/** Answers one request for an MCP server, or throws a Refusal. `note` learns what happened. */
export type McpHandler = (upstream: Upstream, exchange: Exchange, note: Note) => Promise<void>

/**
 * The request path. Each line needs what the line above returned, so that none can be left out. Host, Origin and CORS
 * come before, in the server.
 */
export function mcpHandler({ tokens, sessions, stepUps, identity, limits }: McpPorts): McpHandler {
  return async function mcp(upstream, exchange, note) {
    const { head, requestId } = exchange
    checkDeclaredLength(head.contentLength, limits.bodyBytes) // 413
    const principal = await authenticate(tokens, upstream, exchange) // 401 with resource_metadata
    note.principal = principal
    if (head.duplicated !== undefined) throw new Refusal('header_duplicated', { explain: head.duplicated }) // 400
    const session = sessions.open(head.sessionId, principal, upstream.name)
    const call = await readCall(exchange, limits, typeof session === 'object' ? session.revision : undefined) // 400, 404, 415
    note.call = call
    const needed = neededScopes(call)
    note.scopes = needed
    const allowed =
      authorize(principal, upstream, call, needed) ??
      (await challengeStepUp(stepUps, principal, call, { needed, requestId, resource: upstream.resource })) // 403 with every scope that is needed
    const outbound = await attachCredential(identity, allowed, head, session) // 404 for a session of somebody else
    return forward(sessions, allowed, outbound, exchange) // streams; 502, 504
  }
}
