import type { Exchange } from '../http/exchange.ts'
import type { Outcome, RequestEvent } from '../telemetry/event.ts'
import { scrub, scrubPath } from '../telemetry/scrub.ts'
import type { Note, Objection } from './note.ts'
import { refusalOutcome } from './refusal-outcome.ts'

/** The status in the log if the client disconnected before it got an answer; nginx uses the same number. */
const clientGone = 499

/**
 * The event of a request that is over. `durationMs` is the time from its first line to the end of the
 * answer.
 */
export function gatewayEvent(
  { req, res, path, requestId, address }: Exchange,
  note: Note,
  durationMs: number,
): RequestEvent {
  const { principal, call, refusal } = note
  const methods = call?.methods
  const status = res.headersSent ? res.statusCode : clientGone
  const event: RequestEvent = {
    kind: note.kind,
    outcome: outcomeOf(note, res.statusCode),
    requestId,
    httpMethod: req.method ?? '',
    path: scrubPath(path),
    status,
    durationMs,
    address,
    code: refusal?.code,
    reason: reasonOf(note, res.statusCode),
    issuer: principal?.issuer,
    subject: principal?.subject,
    clientId: principal?.clientId,
    upstream: note.upstream,
    era: call?.era,
    methods: methods === undefined || methods.length === 0 ? undefined : methods,
    object: call?.object === undefined ? undefined : scrub(call.object),
    scopes: note.scopes,
  }
  const { missing, specifics, method } = refusal?.detail ?? {}
  const objection = note.objections?.find((one) => one !== undefined)
  return {
    ...event,
    ...(objection === undefined ? {} : { objection: scrub(inWords(objection)) }),
    ...(missing === undefined ? {} : { missing }),
    ...(specifics === undefined ? {} : { specifics }),
    ...(method === undefined ? {} : { unknownMethod: scrub(method) }),
  }
}

function inWords({ reason, specifics }: Objection): string {
  return specifics === undefined ? reason : `${reason}: ${specifics}`
}

function reasonOf({ refusal, kind }: Note, status: number): string | undefined {
  if (refusal !== undefined) return scrub(refusal.reason)
  return kind === 'mcp' && status >= 400 ? `the MCP server answered ${status}` : undefined
}

function outcomeOf({ refusal, call }: Note, status: number): Outcome {
  if (refusal === undefined) return status < 400 ? 'allowed' : status < 500 ? 'denied' : 'failed'
  if (refusal.code === 'method_not_allowed' && call === undefined) return 'allowed'
  const outcome = refusalOutcome(refusal)
  return outcome === 'limited' ? 'denied' : outcome
}
