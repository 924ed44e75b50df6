import { Refusal } from '../core/errors.ts'
import type { Head } from '../http/head.ts'
import { encodeHeaderValue } from '../mcp/headers.ts'
import { replaceTraceContext } from '../telemetry/trace-context.ts'
import type { RequestTrace } from '../telemetry/trace-contract.ts'
import type { SessionRenewal, UpstreamRequest } from '../upstream/contract.ts'
import type { CallSummary } from './call.ts'
import type { Opened } from './sealed/open-tasks.ts'
import { principalName } from './sealed/owner.ts'
import type { Session, SessionClaim } from './sealed/session.ts'
import type { StreamIds } from './sealed/stream-ids.ts'

declare const brand: unique symbol

/** A request with the credential for the upstream, ready to be sent. Only `attachCredential` makes one. */
export interface Outbound extends UpstreamRequest {
  readonly [brand]: true
  /** Those of the headers that are the credential. */
  readonly credential: readonly string[]
}

interface Attachment {
  readonly head: Head
  readonly session: SessionClaim
  readonly streamIds: StreamIds
  /** Replaces the trace context that the client sent, if requests are traced. */
  readonly trace: RequestTrace | undefined
}

/**
 * Makes the request that goes to the MCP server: the client's body, those of its headers that a server may
 * see, the server's own session id and the gateway's credential, but never the client's token. Throws
 * `session_unknown` for a session that is not this principal's, and `upstream_credential_unavailable`.
 */
export async function attachCredential(
  { allowed: { call, principal, upstream }, body, name: task }: Opened,
  { head, session: claim, streamIds, trace }: Attachment,
): Promise<Outbound> {
  const legacy = call.era === 'legacy'
  if (legacy && claim === 'foreign') throw new Refusal('session_unknown')
  const session = legacy && typeof claim === 'object' ? claim : undefined
  const headers =
    trace === undefined ? [...head.forwardable] : replaceTraceContext(head.forwardable, trace.headers)
  if (task !== undefined && head.mcpName !== undefined) renameTask(headers, task)
  // Sent as parsed and serialized here, so that the server reads what was authorized.
  if (body !== undefined) headers.push('Content-Type', 'application/json')
  if (session !== undefined && head.lastEventId !== undefined) {
    const owner = { principal, upstream: upstream.name, session: session.upstreamId }
    const place = streamIds.open('place', head.lastEventId, owner)
    // A server may take it for a place in anybody's stream (A31).
    if (place !== undefined) headers.push('Last-Event-ID', place)
  }
  const presented = upstream.credential.headers(principal)
  const credential = presented instanceof Promise ? await presented : presented
  headers.push(...credential)
  const request: UpstreamRequest & { readonly credential: readonly string[] } = {
    method: call.verb,
    headers,
    body,
    era: call.era,
    id: call.id,
    opensSession: call.opening !== undefined,
    cancels: call.methods.includes('notifications/cancelled'),
    principal: principalName(principal),
    session: session?.upstreamId,
    renewal: session && renewalOf(session, call, head),
    credential,
  }
  return request as Outbound
}

/** The task name in the headers must match the body, which `openTasks` has changed. */
function renameTask(headers: string[], task: string): void {
  const at = headers.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'mcp-name')
  headers[at + 1] = encodeHeaderValue(task)
}

/** Methods that leave state in a server's session, which the client relies on. */
const kept: ReadonlySet<string> = new Set(['resources/subscribe', 'logging/setLevel'])

/**
 * How to proceed if the server rejects the request because it has forgotten the session. A new session has
 * no stream to resume and expects no answers to questions from the old one.
 */
function renewalOf(
  { revision, renewal }: Session,
  { verb, methods, id }: CallSummary,
  { lastEventId, protocolVersion = revision }: Head,
): SessionRenewal | undefined {
  if (renewal === undefined || protocolVersion === undefined || lastEventId !== undefined) return undefined
  const isFinal = verb === 'DELETE' || methods.some((method) => kept.has(method))
  const by = isFinal ? 'nothing' : id === undefined ? 'following' : 'repeating'
  return { ...renewal, revision: protocolVersion, by }
}
