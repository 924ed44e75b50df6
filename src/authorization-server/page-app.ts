import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { Refusal } from '../core/errors.ts'
import type { Site } from '../core/site.ts'
import { StoreAway, storeAwaySeconds } from '../core/store-away.ts'
import { checkDeclaredLength, readBody } from '../http/body.ts'
import { type Markup, pageHeaders } from '../http/page.ts'
import { type AdviceKind, advicePage, errorPage } from './error-page.ts'
import { errors } from './library/library.ts'
import type { Notes } from './notes.ts'
import { DocumentOutOfReach } from './registration/find-client.ts'
import { requestIdOf } from './request-id.ts'
import type { Visit } from './session.ts'
import type { AuthorizationServerSettings } from './settings.ts'

/** What is known of a request for a page: how it arrived, and its body. */
type Environment = { Bindings: HttpBindings; Variables: { body: string } }

/** An application of pages. */
export type PageApp = Hono<Environment>

/** One request for a page. */
export type PageContext = Context<Environment>

/** No form of ours is larger. */
const maxFormBytes = 16 * 1024

/**
 * An application of pages. What its handlers throw becomes a page that tells the user what to do: a form that
 * is too large, an unknown client, a document that cannot be fetched, a registration that is no longer
 * allowed, a store that is away, or an internal error. `expired` is what a SessionNotFound means here to
 * someone who sends a form.
 */
export function pageApp(
  { onFault, site }: AuthorizationServerSettings,
  notes: Notes,
  expired: AdviceKind = 'session_not_found',
): PageApp {
  const pages: PageApp = new Hono()
  pages.use(async (context, next) => {
    const { incoming } = context.env
    checkDeclaredLength(incoming.headers['content-length'], maxFormBytes)
    // The sender decides how long that takes, so who they are and what they may do is checked afterwards.
    context.set('body', incoming.method === 'POST' ? (await readBody(incoming, maxFormBytes)).toString() : '')
    return next()
  })
  const tell = (context: PageContext, status: PageStatus, kind: AdviceKind): Promise<Response> =>
    sendAdvice(context, site, { kind, status })
  pages.notFound((context) => tell(context, 404, 'nothing_here'))
  pages.onError(async (error, context) => {
    const { incoming } = context.env
    if (error instanceof Refusal) {
      // Either a form that is too large, or one that ended early, whose answer nobody reads.
      notes.of(incoming).error = error.code
      return tell(context, 413, 'form_too_large')
    }
    if (error instanceof DocumentOutOfReach) {
      const { message: reason, document: specifics } = error
      Object.assign(notes.of(incoming), { error: 'invalid_client', reason, specifics })
      return tell(context, 400, 'document_out_of_reach')
    }
    if (error instanceof errors.InvalidClient) {
      Object.assign(notes.of(incoming), { error: 'invalid_client', reason: error.error_description })
      return tell(context, 400, 'unknown_client')
    }
    if (error instanceof errors.InvalidClientMetadata) {
      const { error: code, error_description: reason } = error
      Object.assign(notes.of(incoming), { error: code, reason })
      return sendMarkup(context, errorPage(site, error, requestIdOf(incoming)), 400)
    }
    if (error instanceof StoreAway) {
      notes.storeAway(incoming, error)
      return sendAdvice(context, site, {
        kind: 'server_error',
        status: 503,
        retryAfterSeconds: storeAwaySeconds,
      })
    }
    if (!(error instanceof errors.SessionNotFound)) {
      onFault(error)
      notes.of(incoming).fault = true
      return tell(context, 500, 'server_error')
    }
    notes.of(incoming).error = 'session_not_found'
    return tell(context, 400, incoming.method === 'POST' ? expired : 'session_not_found')
  })
  return pages
}

type PageStatus = 200 | 400 | 404 | 413 | 422 | 429 | 500 | 503

/** Sends a page. */
export async function sendMarkup(
  context: PageContext,
  page: Markup | Promise<string>,
  status: PageStatus = 200,
  headers: Readonly<Record<string, string>> = pageHeaders,
): Promise<Response> {
  return context.html(String(await page), status, headers)
}

interface AdviceAnswer {
  readonly kind: AdviceKind
  readonly status: PageStatus
  readonly retryAfterSeconds?: number
}

/** Sends the page that tells a user what the problem is, and what to do. */
export function sendAdvice(
  context: PageContext,
  site: Site,
  { kind, status, retryAfterSeconds: wait }: AdviceAnswer,
): Promise<Response> {
  const headers = wait === undefined ? pageHeaders : { ...pageHeaders, 'Retry-After': String(wait) }
  return sendMarkup(context, advicePage(site, kind, requestIdOf(context.env.incoming)), status, headers)
}

/** The request and its answer in the form of node:http. */
export function visitOf({ env }: PageContext): Visit {
  return { req: env.incoming, res: env.outgoing }
}

/** A form field or parameter as text; empty if it is not a string. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
