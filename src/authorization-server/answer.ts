import type { IncomingMessage, ServerResponse } from 'node:http'
import { Refusal } from '../core/errors.ts'
import type { Site } from '../core/site.ts'
import { StoreAway, storeAwaySeconds } from '../core/store-away.ts'
import { pageHeaders, wantsPage } from '../http/page.ts'
import { advicePage, errorPage } from './error-page.ts'
import { errors } from './library/library.ts'
import { awayCode, type Notes } from './notes.ts'
import { requestIdOf } from './request-id.ts'

/** A request that is being answered. */
export interface Answered {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly notes: Notes
  readonly site: Site
}

/** An OAuth error, on its way to a client or a user. */
interface AnsweredError {
  readonly status: number
  readonly code: string
  readonly description: string
}

/**
 * Sends an error: as a page if a browser asks, otherwise as an OAuth error document. Records it in `notes`.
 */
async function sendError(
  { req, res, notes, site }: Answered,
  { status, ...error }: AnsweredError,
): Promise<void> {
  Object.assign(notes.of(req), { error: error.code, reason: error.description })
  if (status === 404 && wantsPage(req)) {
    res.writeHead(status, pageHeaders).end(await advicePage(site, 'nothing_here', requestIdOf(req)))
    return
  }
  const description = `${error.description} (request ${requestIdOf(req)})`
  res.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
  res.end(JSON.stringify({ error: error.code, error_description: description }))
}

/** Answers that there is nothing at a path. */
export function sendNotFound(answered: Answered): Promise<void> {
  const description = 'nothing is served at this path'
  return sendError(answered, { status: 404, code: 'not_found', description })
}

/**
 * Answers which HTTP methods a path has. `description` may say something more helpful to a client that used
 * another one.
 */
export function sendNotAllowed(
  answered: Answered,
  methods: readonly string[],
  description = `use ${methods.join(' or ')}`,
): Promise<void> {
  answered.res.setHeader('Allow', methods.join(', '))
  return sendError(answered, { status: 405, code: 'invalid_request', description })
}

/**
 * Answers a thrown error: a Refusal or an error of the library as it says, anything else as an internal
 * error.
 */
export async function answerError(
  error: unknown,
  answered: Answered,
  onFault: (error: unknown) => void,
): Promise<void> {
  const { req, res, notes } = answered
  if (error instanceof errors.OIDCProviderError && error.expose && !res.headersSent)
    return sendLibraryError(answered, error)
  if (!(error instanceof Refusal || error instanceof StoreAway)) {
    onFault(error)
    notes.of(req).fault = true
  }
  if (res.headersSent) res.destroy()
  else if (error instanceof StoreAway) {
    res.setHeader('Retry-After', String(storeAwaySeconds))
    await sendError(answered, { status: 503, code: awayCode, description: 'try again in a moment' })
    notes.storeAway(req, error)
  } else if (error instanceof Refusal) {
    await sendError(answered, { status: error.status, code: error.code, description: error.message })
  } else await sendError(answered, { status: 500, code: 'server_error', description: 'something went wrong' })
}

/** When the front layer refuses with an error of the library, the answer is the same as the library's own. */
async function sendLibraryError(
  answered: Answered,
  {
    statusCode: status,
    error: code,
    error_description: description = code,
  }: InstanceType<typeof errors.OIDCProviderError>,
): Promise<void> {
  const { req, res, notes, site } = answered
  if (!wantsPage(req)) return sendError(answered, { status, code, description })
  Object.assign(notes.of(req), { error: code, reason: description })
  const page = await errorPage(site, { error: code, error_description: description }, requestIdOf(req))
  res.writeHead(status, pageHeaders).end(page)
}

/** Sends a page that has already been rendered. */
export function sendPage(res: ServerResponse, page: string): void {
  res.writeHead(200, pageHeaders).end(page)
}
