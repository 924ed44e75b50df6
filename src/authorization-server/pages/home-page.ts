import { html } from 'hono/html'
import type { ProtectedResource } from '../../core/protected-resource.ts'
import type { Site } from '../../core/site.ts'
import { type Markup, renderPage } from '../../http/page.ts'
import { accountPath } from './account-nav.ts'

/** What a person sees who opens the public URL in a browser. */
export function homePage(site: Site, resources: readonly ProtectedResource[], hasLogin: boolean): Markup {
  const [servers, address] =
    resources.length === 1 ? ['an MCP server', 'this address'] : ['MCP servers', 'one of these addresses']
  const next = hasLogin ? '; it will send you back here to sign in' : ''
  return renderPage(
    site,
    'MCP servers live here',
    html`<p>This is the gate in front of ${servers}. Give an MCP client ${address}${next}.</p>
      <ul>${resources.map(({ name, resource }) => html`<li>${name}: <code>${resource}</code></li>`)}</ul>
      ${hasLogin ? html`<p><a href="${site.path(accountPath)}">Your account</a></p>` : ''}`,
  )
}
