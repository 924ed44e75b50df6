import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { html } from 'hono/html'
import { streamSSE } from 'hono/streaming'
import { secretsEqual } from '../core/secret.ts'
import { ActionRefused, type Listing, type ListingQuery, type Overview } from './contract.ts'
import { assets } from './pages/assets.ts'
import { dashboardHeaders, type Frame, smallPage } from './pages/layout.ts'
import { listingPage } from './pages/listing-page.ts'
import { drawTable, overviewPage } from './pages/overview-page.ts'
import { type DashboardAccess, type DashboardPlace, sessionCookie, sessionOf } from './sign-in.ts'

/** What the dashboard shows, and who may see it. */
export interface DashboardPorts {
  readonly place: DashboardPlace
  readonly access: DashboardAccess
  readonly overview: () => Promise<Overview>
  readonly listings: readonly Listing[]
  /** Whether this process is ending: then no stream keeps anybody waiting. */
  readonly isEnding: () => boolean
  /** Called with errors. */
  readonly onFault: (error: unknown) => void
}

/** A session, and who opened it. */
interface Visit {
  readonly session: string
  readonly operator: string
}

const tickMilliseconds = 1000
const maxFormBytes = 4096

/**
 * The dashboard: everything requires a session, except the page of a link, and the proof of whose dashboard
 * it is.
 */
export function dashboardApp(ports: DashboardPorts): Hono {
  const { place, access, overview, listings, isEnding, onFault } = ports
  const app = new Hono()
  const signIn = signInPage(place)
  app.use(
    bodyLimit({
      maxSize: maxFormBytes,
      onError: (context) =>
        context.html(
          smallPage('Too large', html`<p>No form of the dashboard is so long.</p>`),
          413,
          dashboardHeaders,
        ),
    }),
  )
  app.onError((error, context) => {
    onFault(error)
    return context.html(
      smallPage('Something went wrong', html`<p>The log of Portcullis has the reason.</p>`),
      500,
      dashboardHeaders,
    )
  })
  for (const { path, type, content } of Object.values(assets)) {
    app.get(path, (context) =>
      context.body(content, 200, {
        'Content-Type': type,
        'Cache-Control': 'public, max-age=31536000, immutable',
        'X-Content-Type-Options': 'nosniff',
      }),
    )
  }

  // Opening a link does not use it up, so that link previews do no harm.
  app.get('/sign-in/:token', (context) =>
    context.html(
      smallPage(
        'Open the dashboard',
        html`<p>This link works once. The dashboard stays open in this browser for eight hours.</p>
        <form method="post" class="actions"><button class="primary">Open the dashboard</button></form>`,
      ),
      200,
      dashboardHeaders,
    ),
  )
  app.post('/sign-in/:token', async (context) => {
    const address = addressOf(context)
    if (!isOwnForm(context)) {
      access.deny(address)
      return context.html(signIn, 403, dashboardHeaders)
    }
    const session = await access.enter(context.req.param('token'), address)
    if (session === undefined) return context.html(signIn, 401, dashboardHeaders)
    context.header('Set-Cookie', sessionCookie(place, context.req.header('host'), session))
    return context.redirect(place.base || '/', 303)
  })
  // Prevents sending anybody with a link to something else that now listens at a former address of this
  // dashboard.
  app.get('/proof/:challenge', (context) => context.text(access.prove(context.req.param('challenge'))))

  const signedIn = async (context: Context): Promise<Visit | undefined> => {
    const session = sessionOf(place, {
      cookie: context.req.header('cookie'),
      host: context.req.header('host'),
    })
    const operator = await access.operatorOf(session)
    return operator === undefined ? undefined : { session, operator }
  }
  const frameOf = ({ session }: Visit, path: string): Frame => ({
    place,
    listings,
    path,
    csrf: access.formToken(session),
  })
  /** Runs only with a session; all others are told how to get one. */
  const forSession =
    (answer: (context: Context, visit: Visit) => Promise<Response>) => async (context: Context) => {
      const visit = await signedIn(context)
      return visit === undefined ? context.html(signIn, 401, dashboardHeaders) : answer(context, visit)
    }
  /** The same for one of our forms, if the session is still valid after all of it has arrived. */
  const forForm =
    (answer: (context: Context, visit: Visit, form: Record<string, unknown>) => Promise<Response>) =>
    async (context: Context) => {
      // A form that cannot be read is not ours.
      const form: Record<string, unknown> = await context.req.parseBody().catch(() => ({}))
      return forSession(async (_context, visit) => {
        if (isOwnForm(context) && secretsEqual(textOf(form['csrf']), access.formToken(visit.session)))
          return answer(context, visit, form)
        access.deny(addressOf(context), visit.operator)
        return context.html(
          smallPage('Not our form', html`<p>Open the page anew, and try again.</p>`),
          403,
          dashboardHeaders,
        )
      })(context)
    }

  app.get(
    '/',
    forSession(async (context, visit) =>
      context.html(overviewPage(frameOf(visit, '/'), await overview()), 200, dashboardHeaders),
    ),
  )
  app.get(
    '/events',
    forSession(async (context, { session }) =>
      streamSSE(context, async (stream) => {
        try {
          while (!stream.aborted && !isEnding() && (await access.operatorOf(session)) !== undefined) {
            const { points, tables } = await overview()
            const drawn = await Promise.all(
              Object.entries(tables).map(async ([name, table]) => [name, String(await drawTable(table))]),
            )
            await stream.writeSSE({
              event: 'overview',
              retry: tickMilliseconds,
              data: JSON.stringify({ points, tables: Object.fromEntries(drawn) }),
            })
            await stream.sleep(tickMilliseconds)
          }
        } catch (error) {
          // The stream ends without an explanation, and the browser reconnects.
          onFault(error)
        }
      }),
    ),
  )
  app.post(
    '/sign-out',
    forForm(async (context, { session }) => {
      await access.leave(session, addressOf(context))
      context.header('Set-Cookie', sessionCookie(place, context.req.header('host'), undefined))
      return context.html(signIn, 200, dashboardHeaders)
    }),
  )
  for (const listing of listings) {
    const show = async (
      context: Context,
      visit: Visit,
      told?: { readonly text: string; readonly failed: boolean },
    ): Promise<Response> => {
      const asked = queryOf(context)
      const shown = { asked, ...(await listing.rows(asked)), told }
      return context.html(
        listingPage(frameOf(visit, listing.path), listing, shown),
        told?.failed === true ? 409 : 200,
        dashboardHeaders,
      )
    }
    app.get(listing.path, forSession(show))
    for (const [name, { act }] of Object.entries(listing.actions)) {
      app.post(
        `${listing.path}/${name}`,
        forForm(async (context, visit, form) => {
          try {
            const text = await act(textOf(form['id']), visit.operator)
            return await show(context, visit, { text, failed: false })
          } catch (error) {
            if (!(error instanceof ActionRefused)) throw error
            return show(context, visit, { text: error.message, failed: true })
          }
        }),
      )
    }
  }
  return app
}

/** A field of a form, if it is a text. Untrusted. */
function textOf(field: unknown): string {
  return typeof field === 'string' ? field : ''
}

const mostAskedFor = 200

/** Which rows somebody wants to see. Untrusted. */
function queryOf({ req }: Context): ListingQuery {
  const page = Number(req.query('page'))
  return {
    text: (req.query('q') ?? '').trim().slice(0, mostAskedFor),
    page: Number.isSafeInteger(page) && page > 0 ? page : 1,
  }
}

/** Undefined if the request has no connection. */
function addressOf({ env }: Context): string | undefined {
  return (env as Partial<HttpBindings> | undefined)?.incoming?.socket.remoteAddress
}

/** Browsers send the origin of a form; a form of another page is not ours. */
function isOwnForm(context: Context): boolean {
  const origin = context.req.header('origin')
  return origin === undefined || URL.parse(origin)?.host === context.req.header('host')
}

function signInPage({ tenant }: DashboardPlace) {
  const flag = tenant === undefined ? '' : ` --tenant ${tenant}`
  const printed =
    tenant === undefined ? 'Portcullis prints one when it starts; for another one run' : 'For one run'
  return smallPage(
    tenant === undefined ? 'Sign in to the dashboard' : `Sign in to the dashboard of ${tenant}`,
    html`<p>The dashboard opens with a link that works once. ${printed}, where Portcullis runs:</p>
    <p><code>portcullis dashboard${flag}</code></p>
    <p class="quiet">With the flags that name the installation, such as <code>-c portcullis.yaml</code> or <code>--data DIR</code>.</p>`,
  )
}
