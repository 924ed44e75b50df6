import { html } from 'hono/html'
import type { ProtectedResource } from '../../core/protected-resource.ts'
import { type Markup, renderPage } from '../../http/page.ts'

/** What a person sees who opens the public URL in a browser. */
export function homePage(resources: readonly ProtectedResource[]): Markup {
  return renderPage(
    'MCP servers live here',
    html`<p>This is the gate in front of ${resources.length === 1 ? 'an MCP server' : 'MCP servers'}. Give an MCP client
        ${resources.length === 1 ? 'this address' : 'one of these addresses'}; it will send you back here to sign in.</p>
      <ul>${resources.map(({ name, resource }) => html`<li>${name}: <code>${resource}</code></li>`)}</ul>`,
  )
}
