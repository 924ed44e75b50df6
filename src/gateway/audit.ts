import type { Recorder } from '../audit/contract.ts'
import type { ArgumentsRecord, AuditEvent, Outcome } from '../audit/event.ts'
import type { Refusal } from '../core/errors.ts'
import type { Exchange } from '../http/exchange.ts'
import { parseExact } from '../mcp/lossless.ts'
import { scrub, scrubPath } from '../telemetry/scrub.ts'
import { type Call, type MethodCall, objectOf } from './call.ts'
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
  if (only === undefined) return recorder.record(event)
  const given = argumentsOf(call, upstream)
  if (rest.length === 0) return recorder.record(withCall(event, only, given[0]))
  for (const [batch, method] of call.methods.entries())
    recorder.record({ ...withCall(event, method, given[batch]), batch })
}

/** What `recordCall` is told of a call. */
interface CallContext {
  readonly call: Call
  readonly upstream: Upstream
}

/** Records what is refused, before the client hears of it. Throws as `recordCall` does. */
export function recordRefusal(recorder: Recorder, exchange: Exchange, note: Note, refusal: Refusal): void {
  const { kind } = note
  const { method, missing } = refusal.detail
  const refused = { status: refusal.status, code: refusal.code, reason: scrub(refusal.reason) }
  if (kind === 'access') {
    if (!guarded.has(refusal.code)) return
    recorder.commit({ ...describe(exchange, note, 'denied'), event: 'http.refusal', ...refused })
  } else if (kind === 'mcp') {
    const outcome = outcomeOf(refusal)
    // A call that was let pass has its event; what its server says no to is no decision of ours.
    if (note.isRecorded === true && outcome !== 'failed') return
    const event = note.isRecorded === true ? 'mcp.failure' : 'mcp.call'
    recorder.commit({
      ...describe(exchange, note, outcome),
      ...(method === undefined ? {} : { method: scrub(method) }),
      event,
      missing,
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

function withCall(event: AuditEvent, call: MethodCall, given: ArgumentsRecord | undefined): AuditEvent {
  const object = objectOf([call])
  return {
    ...event,
    method: call.row.method,
    object: object === undefined ? undefined : scrub(object),
    arguments: given,
  }
}

const takesArguments: ReadonlySet<string> = new Set(['tools/call', 'prompts/get'])

/**
 * What is kept of the arguments of each call. The gateway itself never builds them, so they are read once more where the
 * operator wants something of them; the body has been checked, and has one meaning.
 */
function argumentsOf(
  { body, methods }: Call,
  { describeArguments }: Upstream,
): readonly (ArgumentsRecord | undefined)[] {
  if (describeArguments === undefined || body === undefined) return []
  if (!methods.some(({ row }) => takesArguments.has(row.method))) return []
  const messages = [parseExact(body.toString()) as Sent | Sent[]].flat()
  return messages
    .filter(({ method }) => typeof method === 'string')
    .map(({ method = '', params }) => {
      const given = takesArguments.has(method) ? params?.arguments : undefined
      return given === undefined ? undefined : describeArguments(given)
    })
}

interface Sent {
  readonly method?: string
  readonly params?: { readonly arguments?: unknown }
}
