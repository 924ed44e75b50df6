import { html } from 'hono/html'
import type { Markup } from '../../http/page.ts'
import type { DashboardPlace } from '../access-contract.ts'
import { smallPage } from './layout.ts'

/** The page of a link. */
export function linkPage(): Markup {
  return smallPage(
    'Open the dashboard',
    html`<p>This link works once. The dashboard stays open in this browser for eight hours.</p>
    <form method="post" class="actions"><button class="primary">Open the dashboard</button></form>`,
  )
}

/** How to get a link, for whoever has no session. */
export function signInPage({ tenant }: DashboardPlace): Markup {
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
