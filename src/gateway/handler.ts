import type { Recorder } from '../audit/contract.ts'
import { Refusal } from '../core/errors.ts'
import { checkDeclaredLength } from '../http/body.ts'
import type { Exchange } from '../http/exchange.ts'
import type { Traces } from '../telemetry/trace-contract.ts'
import type { Admission } from './admission.ts'
import { attachCredential } from './attach-credential.ts'
import { recordCall } from './audit.ts'
import { authorize, neededScopes, objectionsTo } from './authorize.ts'
import { summarise } from './call.ts'
import { challengeStepUp, type StepUpMemory } from './challenge-step-up.ts'
import { forward } from './forward.ts'
import type { Listeners } from './listeners.ts'
import type { Note } from './note.ts'
import { type CallLimits, readCall } from './read-call.ts'
import { withholdOffers } from './rewrites/withhold-questions.ts'
import { openAnswers } from './sealed/open-answers.ts'
import { openTasks } from './sealed/open-tasks.ts'
import type { Sessions } from './sealed/session.ts'
import type { StreamIds } from './sealed/stream-ids.ts'
import type { TaskIds } from './sealed/task-ids.ts'
import { authenticate, refuseEnded } from './token/authenticate.ts'
import type { TokenVerifier } from './token/token-verifier.ts'
import type { ProofVerifier } from './token/verify-proof.ts'
import { beginTrace } from './trace.ts'
import type { Upstream } from './upstream.ts'

/** What the MCP request path needs. */
export interface McpPorts {
  readonly tokens: TokenVerifier
  readonly proofs: ProofVerifier
  readonly admission: Admission
  readonly sessions: Sessions
  readonly streamIds: StreamIds
  readonly taskIds: TaskIds
  readonly listeners: Listeners
  readonly stepUps: StepUpMemory
  readonly limits: CallLimits
  readonly recorder: Recorder
  readonly traces: Traces | undefined
}

/** Answers one request for an MCP server, or throws a Refusal. Records in `note` what happened. */
export type McpHandler = (upstream: Upstream, exchange: Exchange, note: Note) => Promise<void>

/**
 * The request path. Most lines need what the line above returned, so that they cannot be left out. The server
 * has checked Host, Origin and CORS before.
 */
export function mcpHandler(ports: McpPorts): McpHandler {
  const { tokens, admission, sessions, streamIds, taskIds, listeners, stepUps, limits, recorder } = ports
  return async function mcp(upstream, exchange, note) {
    const { head } = exchange
    recorder.check() // 503
    checkDeclaredLength(head.contentLength, limits.bodyBytes) // 413
    const principal = await authenticate(ports, upstream, exchange) // 401 with resource_metadata
    note.principal = principal
    if (head.duplicated !== undefined) throw new Refusal('header_duplicated', { explain: head.duplicated }) // 400
    const place = await admission.enter(principal, upstream, exchange.res) // 503
    const session = sessions.open(head.sessionId, principal, upstream.name)
    const fallback = typeof session === 'object' ? session.revision : undefined
    const { findMethod, payload } = upstream
    const asked = await readCall(exchange, { limits, fallback, findMethod, payload }) // 400, 404, 415
    // The sender decides how long the body takes.
    if (!tokens.isCurrent(principal)) refuseEnded(ports, upstream, exchange, asked) // 401, again
    const call = withholdOffers(upstream, asked)
    const summary = summarise(call)
    note.call = summary
    const needed = neededScopes(call)
    note.scopes = needed
    const allowed =
      authorize(principal, upstream, call, { needed, summary }) ??
      (await challengeStepUp(stepUps, principal, summary, { needed, upstream })) // 403, all scopes
    note.objections = objectionsTo(principal, upstream, call)
    await admission.admit(place, call, { principal, upstream, summary }) // 503
    const answering = openAnswers(streamIds, allowed, call, session) // 400
    const opened = openTasks(taskIds, allowed, answering) // -32602
    note.trace = beginTrace(ports.traces, exchange, call)
    const outbound = await attachCredential(opened, { head, session, streamIds, trace: note.trace }) // 404, 503
    // The token may have ended while a token server was waited for.
    if (!tokens.isCurrent(principal)) refuseEnded(ports, upstream, exchange, asked) // 401, once more
    listeners.note(allowed, exchange)
    recordCall(recorder, exchange, note, { call, upstream })
    note.trace?.went()
    return forward(ports, opened, outbound, { exchange, place }) // streams; 502, 504
  }
}
