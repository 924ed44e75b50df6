import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Site } from '../core/site.ts'
import { splitTarget } from '../http/exchange.ts'
import type { OAuthStep, Outcome, RequestEvent } from '../telemetry/event.ts'
import { scrub, scrubPath } from '../telemetry/scrub.ts'
import { addressOf } from './caller-address.ts'
import { canonicalPath, findEndpoint } from './endpoints.ts'
import type { Note, Notes } from './notes.ts'
import { isConsentPath, isLoginPath, logoutPath, revokePath } from './paths.ts'
import { requestIdOf } from './request-id.ts'

interface Observation {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly notes: Notes
  readonly site: Site
  readonly resourcePaths: ReadonlySet<string>
}

/** Called when a request begins. Returns a function that describes the request when its answer is over. */
export function oauthEvent({ req, res, notes, site, resourcePaths }: Observation): () => RequestEvent {
  const began = performance.now()
  const address = addressOf(req)
  const { path: sent } = splitTarget(req.url ?? '/')
  const path = scrubPath(sent)
  const step = stepOf(site.localPath(sent) ?? '', resourcePaths)
  return () => {
    const note = notes.of(req)
    return {
      kind: 'oauth',
      outcome: outcomeOf(note, res.statusCode),
      requestId: requestIdOf(req),
      httpMethod: req.method ?? '',
      path,
      status: res.statusCode,
      durationMs: performance.now() - began,
      address,
      code: note.error,
      reason: note.reason === undefined ? undefined : scrub(note.reason),
      specifics: note.specifics,
      subject: note.subject,
      clientId: note.clientId,
      step,
      grantType: note.grantType,
    }
  }
}

function outcomeOf({ error, fault }: Note, status: number): Outcome {
  if (fault === true || status >= 500) return 'failed'
  return error === undefined && status < 400 ? 'allowed' : 'denied'
}

function stepOf(path: string, resourcePaths: ReadonlySet<string>): OAuthStep {
  if (isLoginPath(path)) return 'login'
  if (path === logoutPath) return 'logout'
  if (isConsentPath(path)) return 'consent'
  if (path === revokePath) return 'revocation'
  return findEndpoint(canonicalPath(path, resourcePaths))?.step ?? 'page'
}
