import { type Context, Hono } from 'hono'
import { html } from 'hono/html'
import type { Markup } from '../http/page.ts'
import type { DashboardAccess, DashboardPlace } from './access-contract.ts'
import type { Listing, Overview } from './contract.ts'
import { formLimit } from './form.ts'
import { actOnRow, showListing } from './listing-steps.ts'
import { showOverview, streamOverview } from './overview-steps.ts'
import { type Asset, assets } from './pages/assets.ts'
import { answerPage, hrefOf, smallPage } from './pages/layout.ts'
import { enter, proveOwner, showLink, signOut } from './sign-in-steps.ts'
import { admitVisitors } from './visit.ts'

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

/**
 * The dashboard: everything requires a session, except the page of a link, and the proof of whose dashboard
 * it is.
 */
export function dashboardApp(ports: DashboardPorts): Hono {
  const { forSession, forForm } = admitVisitors(ports)
  const app = new Hono()
  app.use(formLimit)
  app.onError((error, context) => {
    ports.onFault(error)
    return answerPage(context, faultPage(), 500)
  })
  for (const asset of Object.values(assets)) app.get(asset.path, (context) => sendAsset(context, asset))

  app.get('/sign-in/:token', showLink)
  app.post('/sign-in/:token', enter(ports))
  app.get('/proof/:challenge', proveOwner(ports))

  app.get('/', forSession(showOverview(ports)))
  app.get('/events', forSession(streamOverview(ports)))
  // A page that answers a form has the address of that form's target, which may be opened again.
  const leadTo = (path: string) => (context: Context) =>
    context.redirect(hrefOf(ports, path) + new URL(context.req.url).search, 303)
  app.post('/sign-out', forForm(signOut(ports)))
  app.get('/sign-out', leadTo('/'))
  for (const listing of ports.listings) {
    app.get(listing.path, forSession(showListing(listing)))
    for (const [name, { act }] of Object.entries(listing.actions)) {
      app.post(`${listing.path}/${name}`, forForm(actOnRow(listing, act)))
      app.get(`${listing.path}/${name}`, leadTo(listing.path))
    }
  }
  return app
}

function faultPage(): Markup {
  return smallPage('Something went wrong', html`<p>The log of Portcullis has the reason.</p>`)
}

function sendAsset(context: Context, { type, content }: Asset): Response {
  return context.body(content, 200, {
    'Content-Type': type,
    'Cache-Control': 'public, max-age=31536000, immutable',
    'X-Content-Type-Options': 'nosniff',
  })
}
