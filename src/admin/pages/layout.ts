import type { Context } from 'hono'
import { html } from 'hono/html'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { type Markup, pageHeaders } from '../../http/page.ts'
import type { DashboardPlace } from '../access-contract.ts'
import type { Listing } from '../contract.ts'
import { assets } from './assets.ts'

/** What surrounds the content of every page of the dashboard. */
export interface Frame {
  readonly place: DashboardPlace
  readonly listings: readonly Listing[]
  /** The path of the current page. */
  readonly path: string
  readonly csrf: string
}

/** Like those of all pages, with our own event stream, and with forms that lead only here. */
const dashboardHeaders: Readonly<Record<string, string>> = {
  ...pageHeaders,
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}

/** Answers with a page. */
export function answerPage(
  context: Context,
  page: Markup,
  status: ContentfulStatusCode = 200,
): Response | Promise<Response> {
  return context.html(page, status, dashboardHeaders)
}

/** A page of the dashboard, for an operator who is signed in. */
export function layOut(title: string, frame: Frame, content: Markup): Markup {
  const { base, tenant } = frame.place
  const link = (path: string, text: string): Markup =>
    path === frame.path
      ? html`<a href="${hrefOf(frame, path)}" aria-current="page">${text}</a>`
      : html`<a href="${hrefOf(frame, path)}">${text}</a>`
  return document(
    tenant === undefined ? title : `${title} · ${tenant}`,
    html`<header class="bar">
      <nav aria-label="Dashboard">
        <span class="brand">Portcullis${tenant === undefined ? '' : ` · ${tenant}`}</span>
        ${link('/', 'Overview')} ${frame.listings.map((listing) => link(listing.path, listing.title))}
        <form method="post" action="${base}/sign-out">
          <input type="hidden" name="csrf" value="${frame.csrf}" /><button>Sign out</button>
        </form>
      </nav>
    </header>
    <main>${content}</main>`,
    'wide',
  )
}

/** The URL of a page of this dashboard. */
export function hrefOf({ place: { base } }: Pick<Frame, 'place'>, path: string): string {
  return path === '/' ? base || '/' : base + path
}

/** A small page without navigation: for somebody who is not signed in, and for errors. */
export function smallPage(title: string, content: Markup): Markup {
  return document(title, html`<main><p class="brand">Portcullis</p><h1>${title}</h1>${content}</main>`, '')
}

function document(title: string, body: Markup, kind: string): Markup {
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${title} · Portcullis dashboard</title>
    <link rel="icon" type="image/svg+xml" href="${assets.icon.path}" />
    <link rel="stylesheet" href="${assets.chartStyle.path}" />
    <link rel="stylesheet" href="${assets.style.path}" />
    <script src="${assets.sendOnce.path}" defer></script>
  </head>
  <body class="${kind}">
    ${body}
  </body>
</html>`
}
