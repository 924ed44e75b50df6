import type { IncomingMessage } from 'node:http'
import { html } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import { digest } from '../core/secret.ts'
import type { Site } from '../core/site.ts'
import { splitTarget } from './exchange.ts'
import { icon } from './icon.ts'
import { passkeyScript } from './passkey-script.ts'
import { sendOnceScript } from './send-once-script.ts'
import { stylesheet } from './stylesheet.ts'

/** Escaped HTML. */
export type Markup = HtmlEscapedString | Promise<HtmlEscapedString>

/** The path of a file that pages load. The name changes with the content, so that it can be cached forever. */
export function assetPath(content: string, extension: string): string {
  return `/assets/${digest(content).slice(0, 16)}.${extension}`
}

/** The path of the pages' style sheet. */
export const stylesheetPath = assetPath(stylesheet, 'css')

/** The path of the pages' icon. */
export const iconPath = assetPath(icon, 'svg')

/**
 * The headers of every page: only our own style sheet and scripts may load, and no script within the page; nobody
 * may frame the page, and nothing is cached or leaks in a Referer. There is no `form-action`, since browsers apply it
 * to the redirect after a form, which leads to the client.
 */
export const pageHeaders: Readonly<Record<string, string>> = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'",
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  // 'no-referrer' would make browsers send `Origin: null` with our own forms.
  'Referrer-Policy': 'same-origin',
  'Cache-Control': 'no-store',
}

/**
 * Whether an error is answered with a page: if a browser asks, except for documents that only programs
 * request, whatever they say they accept.
 */
export function wantsPage({ headers, url = '' }: IncomingMessage): boolean {
  return headers.accept?.includes('text/html') === true && !splitTarget(url).path.includes('/.well-known/')
}

/** The path of the script of all pages. */
export const sendOnceScriptPath = assetPath(sendOnceScript, 'js')

/** The path of the script for passkeys. */
export const passkeyScriptPath = assetPath(passkeyScript, 'js')

/** Loads the script for passkeys. */
export function passkeyScriptTag(site: Site): Markup {
  return html`<script src="${site.path(passkeyScriptPath)}" defer></script>`
}

/** Renders a whole page of a site. */
export function renderPage(site: Site, title: string, content: Markup): Markup {
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${title} · Portcullis</title>
    <link rel="icon" type="image/svg+xml" href="${site.path(iconPath)}" />
    <link rel="stylesheet" href="${site.path(stylesheetPath)}" />
    <script src="${site.path(sendOnceScriptPath)}" defer></script>
  </head>
  <body>
    <main>
      <p class="brand">${gate} Portcullis</p>
      <h1>${title}</h1>
      ${content}
    </main>
  </body>
</html>`
}

const gate = html`<svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2">
  <path d="M3 22V10a9 9 0 0 1 18 0v12M8 3v17M12 1v21M16 3v17M3 9h18M3 15h18" />
</svg>`
