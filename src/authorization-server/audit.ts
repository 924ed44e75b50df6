import type { ServerResponse } from 'node:http'
import { setImmediate as endOfTurn } from 'node:timers/promises'
import onHeaders from 'on-headers'
import type { Recorder } from '../audit/contract.ts'
import type { AuditEvent, EventName, Outcome } from '../audit/event.ts'
import type { ResourceDirectory } from '../core/protected-resource.ts'
import type { OAuthStep, RequestEvent } from '../telemetry/event.ts'
import type { Note } from './notes.ts'

interface Observed {
  /** Describes the request as far as it is known when its answer begins. */
  readonly describe: () => { readonly event: RequestEvent; readonly note: Note }
  readonly recorder: Recorder
  readonly resources: ResourceDirectory
  readonly onFault: (error: unknown) => void
}

/** How to record the decision of an answer, until it has been recorded. */
const unrecorded = new WeakMap<ServerResponse, (how: 'record' | 'commit') => void>()

/**
 * Makes sure that a decision is in the audit before any of its answer is sent. An answer without its event is
 * not sent.
 */
export function recordBeforeAnswer(
  res: ServerResponse,
  { describe, recorder, resources, onFault }: Observed,
): void {
  unrecorded.set(res, (how) => {
    unrecorded.delete(res)
    const { event, note } = describe()
    try {
      const decision = decisionOf(event, note, resources)
      if (decision !== undefined) recorder[how](decision)
    } catch (error) {
      // An answer that says that nothing is decided may be sent.
      if (event.code === 'audit_unavailable') return
      onFault(error)
      res.destroy()
    }
  })
  onHeaders(res, () => unrecorded.get(res)?.('commit'))
}

/**
 * Records the decision of an answer that is ready, and resolves at the end of this turn of the event loop:
 * all decisions of one turn are written together, and their answers are sent one right after the other, which
 * wakes their reader only once.
 */
export async function recordTogether(res: ServerResponse): Promise<void> {
  unrecorded.get(res)?.('record')
  await endOfTurn()
}

const names: Readonly<Record<OAuthStep, EventName>> = {
  discovery: 'oauth.request',
  keys: 'oauth.request',
  registration: 'oauth.registration',
  authorization: 'oauth.authorization',
  pushed_request: 'oauth.pushed_request',
  device: 'oauth.device',
  login: 'oauth.login',
  logout: 'oauth.logout',
  consent: 'oauth.consent',
  token: 'oauth.token',
  revocation: 'oauth.revocation',
  introspection: 'oauth.introspection',
  resumption: 'oauth.grant',
  page: 'account.change',
}

/** What a request decided. Undefined if it decides nothing: metadata, forms that are shown, unknown paths. */
function decisionOf(
  { step = 'page', outcome, httpMethod, ...event }: RequestEvent,
  { granted, scope, resource, grant, resourceAsked }: Note,
  resources: ResourceDirectory,
): AuditEvent | undefined {
  const refused = outcome !== 'allowed'
  const facts = { step, outcome, httpMethod, ...event, granted }
  if (refused ? event.status === 404 || event.status === 405 : !decides(facts)) return undefined
  return {
    event: granted === true ? 'oauth.grant' : names[step],
    outcome: outcomeOf(facts),
    requestId: event.requestId,
    address: event.address,
    subject: event.subject,
    clientId: event.clientId,
    grant,
    upstream: resource === undefined ? undefined : (resources.find(resource)?.name ?? resource),
    resourceAsked,
    scopes: scope?.split(' '),
    httpMethod,
    path: event.path,
    status: event.status,
    grantType: event.grantType,
    code: event.code,
    reason: event.reason,
  }
}

interface Facts extends Pick<RequestEvent, 'outcome' | 'httpMethod' | 'status' | 'subject'> {
  readonly step: OAuthStep
  readonly granted: boolean | undefined
}

/** Whether a successful request has decided something. */
function decides({ step, httpMethod, granted, subject }: Facts): boolean {
  if (step === 'discovery' || step === 'keys' || httpMethod === 'OPTIONS') return false
  if (step === 'resumption') return granted === true
  // Users come back from an identity provider with a GET.
  if (step === 'login' && subject !== undefined) return true
  return step === 'authorization' || httpMethod === 'POST'
}

/** A redirect to a login, a consent page or an identity provider is neither allowed nor denied yet. */
function outcomeOf({ step, outcome, status, granted, subject }: Facts): Outcome {
  if (status === 429) return 'limited'
  const isOver = (step !== 'authorization' || granted === true) && (step !== 'login' || subject !== undefined)
  return outcome === 'allowed' && !isOver ? 'challenged' : outcome
}
