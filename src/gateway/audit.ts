import type { Recorder } from '../audit/contract.ts'
import type { AuditEvent, Outcome } from '../audit/event.ts'
import type { Refusal } from '../core/errors.ts'
import type { Exchange } from '../http/exchange.ts'
import { scrub, scrubPath } from '../telemetry/scrub.ts'
import type { Call, MethodCall } from './call.ts'
import type { Note } from './note.ts'
import type { Upstream } from './upstream.ts'

/** What the gateway says to somebody who may not be there at all. The rest of what it refuses is no decision. */
const guarded: ReadonlySet<string> = new Set(['host_not_allowed', 'origin_not_allowed'])

/**
 * Records that a call goes to its server, before it does: one event for each call of a batch. Throws the Refusal
 * `audit_unavailable` where nothing may happen without its event.
 */
export function recordCall(
  recorder: Recorder,
  exchange: Exchange,
  note: Note,
  { call, upstream }: CallContext,
): void {
  note.isRecorded = true
  const [only, ...rest] = call.methods
  const event = describe(exchange, note, 'allowed')
  if (rest.length === 0) return recorder.record(only === undefined ? event : withCall(event, only, upstream))
  for (const [batch, method] of call.methods.entries())
    recorder.record({ ...withCall(event, method, upstream), batch })
}

/** What `recordCall` is told of a call. */
interface CallContext {
  readonly call: Call
  readonly upstream: Upstream
}

/** Records what is refused, before the client hears of it. Throws as `recordCall` does. */
export function recordRefusal(recorder: Recorder, exchange: Exchange, note: Note, refusal: Refusal): void {
  const { kind } = note
  const refused = { status: refusal.status, code: refusal.code, reason: scrub(refusal.reason) }
  if (kind === 'access') {
    if (!guarded.has(refusal.code)) return
    recorder.commit({ ...describe(exchange, note, 'denied'), event: 'http.refusal', ...refused })
  } else if (kind === 'mcp') {
    const outcome = outcomeOf(refusal)
    // A call that was let pass has its event; what its server says no to is no decision of ours.
    if (note.isRecorded === true && outcome !== 'failed') return
    const event = note.isRecorded === true ? 'mcp.failure' : 'mcp.call'
    const missing = note.scopes && note.principal?.scopes.missing(note.scopes)
    recorder.commit({
      ...describe(exchange, note, outcome),
      event,
      missing: refusal.code === 'scope_insufficient' ? missing : undefined,
      ...refused,
    })
  }
}

function outcomeOf({ code, status, detail }: Refusal): Outcome {
  if (detail.challenge !== undefined) return 'challenged'
  if (code === 'too_many_requests') return 'limited'
  return status >= 500 ? 'failed' : 'denied'
}

function describe({ req, path, requestId, address }: Exchange, note: Note, outcome: Outcome): AuditEvent {
  const { principal, call, upstream, scopes } = note
  const methods = call?.methods
  return {
    event: 'mcp.call',
    outcome,
    requestId,
    address,
    issuer: principal?.issuer,
    subject: principal?.subject,
    clientId: principal?.clientId,
    grant: principal?.grantId,
    actor: principal?.actor,
    upstream,
    era: call?.era,
    method: methods === undefined || methods.length === 0 ? undefined : methods.join(' '),
    object: call?.object === undefined ? undefined : scrub(call.object),
    scopes: scopes?.length === 0 ? undefined : scopes,
    httpMethod: req.method,
    path: scrubPath(path),
  }
}

function withCall(event: AuditEvent, { row, params }: MethodCall, upstream: Upstream): AuditEvent {
  const { method, nameParam } = row
  const object = nameParam === undefined ? undefined : params[nameParam]
  const given = method === 'tools/call' || method === 'prompts/get' ? params['arguments'] : undefined
  return {
    ...event,
    method,
    object: typeof object === 'string' ? scrub(object.slice(0, maxObjectLength)) : undefined,
    arguments: given === undefined ? undefined : upstream.describeArguments?.(given),
  }
}

const maxObjectLength = 200
