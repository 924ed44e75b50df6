import { html } from 'hono/html'
import type { ProtectedResource } from '../../core/protected-resource.ts'
import type { Site } from '../../core/site.ts'
import { type Markup, renderPage } from '../../http/page.ts'
import { accountPath } from '../paths.ts'

interface HomePage {
  readonly resources: readonly ProtectedResource[]
  /** Whether users can sign in here, or at a provider. */
  readonly hasLogin: boolean
}

/** What a user sees who opens the public URL in a browser. */
export function homePage(site: Site, { resources, hasLogin }: HomePage): Markup {
  const [servers, address] =
    resources.length === 1
      ? ['an MCP server', 'the address below']
      : ['MCP servers', 'one of the addresses below']
  const next = hasLogin ? '; it will send you back here to sign in' : ''
  return renderPage(
    site,
    'MCP servers live here',
    html`<p>This is the gate in front of ${servers}. Give an MCP client ${address}${next}.</p>
      <ul>${resources.map(({ name, resource }) => html`<li>${name}: <code>${resource}</code></li>`)}</ul>
      ${hasLogin ? html`<p><a href="${site.path(accountPath)}">Your account</a></p>` : ''}`,
  )
}

const mostTold = 5

/** The same for a client that was given the address of the page instead of a server's. */
export function tellServers(resources: readonly ProtectedResource[]): string {
  const told = resources.slice(0, mostTold).map(({ resource }) => resource)
  const rest = resources.length > mostTold ? ' or another one that the page at this address names' : ''
  return `no MCP server is at this address: use ${told.join(' or ')}${rest}`
}
