import type { Recorder } from '../audit/contract.ts'
import type { ArgumentsRecord, AuditEvent, Outcome } from '../audit/event.ts'
import type { Refusal } from '../core/errors.ts'
import type { Exchange } from '../http/exchange.ts'
import { parseExact } from '../mcp/lossless.ts'
import { scrub, scrubPath } from '../telemetry/scrub.ts'
import { type Call, type MethodCall, objectOf } from './call.ts'
import type { Note, Objection } from './note.ts'
import { refusalOutcome } from './refusal-outcome.ts'
import type { Upstream } from './upstream.ts'

/**
 * Refusals of requests that must not reach the gateway at all. Other refusals of this kind are not
 * decisions, so they are not recorded.
 */
const guarded: ReadonlySet<string> = new Set(['host_not_allowed', 'origin_not_allowed'])

/**
 * Records a call before it goes to its server: one event for each call of a batch. Throws the Refusal
 * `audit_unavailable` if nothing may happen without its event.
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
  const objections = note.objections ?? []
  if (only === undefined) return recorder.record(event)
  const given = argumentsOf(call, upstream)
  if (rest.length === 0)
    return recorder.record({ ...withCall(event, only, given[0]), ...reasonOf(objections[0]) })
  for (const [batch, method] of call.methods.entries())
    recorder.record({ ...withCall(event, method, given[batch]), ...reasonOf(objections[batch]), batch })
}

/** What `recordCall` needs to know about a call. */
interface CallContext {
  readonly call: Call
  readonly upstream: Upstream
}

/** Records a refusal before the client hears of it. Throws like `recordCall`. */
export function recordRefusal(recorder: Recorder, exchange: Exchange, note: Note, refusal: Refusal): void {
  const { kind } = note
  const { method, missing } = refusal.detail
  const refused = { status: refusal.status, code: refusal.code, reason: scrub(refusal.reason) }
  if (kind === 'access') {
    if (!guarded.has(refusal.code)) return
    recorder.commit({ ...describe(exchange, note, 'denied'), event: 'http.refusal', ...refused })
  } else if (kind === 'mcp') {
    const outcome = refusalOutcome(refusal)
    // An allowed call already has its event; an error from its server is not a decision of the gateway.
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

function reasonOf(objection: Objection | undefined): Pick<AuditEvent, 'reason'> {
  return objection === undefined ? {} : { reason: scrub(`policies would refuse it: ${objection.reason}`) }
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
 * What the audit keeps of the arguments of each call. The gateway itself never builds them, so if the
 * operator wants to keep any, they are parsed again here; the body has been checked and is unambiguous.
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
