import { html } from 'hono/html'
import { type ScopeEntry, scopeCatalogue } from '../../core/scope-catalogue.ts'
import { type Markup, renderPage } from '../../http/page.ts'
import { startedByYourself } from './device-pages.ts'

interface ConsentPage {
  readonly action: string
  readonly csrf: string
  readonly clientName: string
  readonly accountName: string
  /** The host, with port, to which the browser will go; undefined for a device, which asks for the answer. */
  readonly redirectHost: string | undefined
  readonly redirectsToLoopback: boolean
  readonly resourceName: string
  readonly resource: string
  readonly scopes: readonly string[]
}

/** Asks a person to let a client in. Approving is the form's default. */
export function consentPage(consent: ConsentPage): Markup {
  return renderPage(
    `Let ${consent.clientName} in?`,
    html`
      <p>You are <strong>${consent.accountName}</strong>. <strong>${consent.clientName}</strong> asks for access to
        <strong>${consent.resourceName}</strong> <code>${consent.resource}</code>.</p>
      ${
        consent.redirectHost === undefined
          ? startedByYourself
          : html`<p class="host">Your answer goes to <strong>${consent.redirectHost}</strong></p>`
      }
      ${consent.redirectsToLoopback ? loopbackWarning : ''}
      ${groupScopes(consent.scopes).map(renderGroup)}
      ${consent.scopes.length === 0 ? html`<p>It asks for no permissions beyond connecting.</p>` : ''}
      <form method="post" action="${consent.action}">
        <input type="hidden" name="csrf" value="${consent.csrf}" />
        <div class="actions">
          <button class="primary" type="submit" name="decision" value="approve">Approve</button>
          <button type="submit" name="decision" value="deny">Deny</button>
        </div>
      </form>`,
  )
}

const loopbackWarning = html`<p class="note">That is a program on this computer. Any program here can call itself by
  this name: approve only if you have just started the connection yourself.</p>`

interface ScopeGroup {
  readonly name: string
  readonly entries: readonly Pick<ScopeEntry, 'scope' | 'words'>[]
}

function groupScopes(scopes: readonly string[]): ScopeGroup[] {
  const groups = new Map<string, { scope: string; words: string }[]>()
  for (const scope of scopes) {
    const { group, words } = describe(scope)
    groups.set(group, [...(groups.get(group) ?? []), { scope, words }])
  }
  return [...groups].map(([name, entries]) => ({ name, entries }))
}

function describe(scope: string): Pick<ScopeEntry, 'group' | 'words'> {
  const entry = scopeCatalogue.find((known) => known.scope === scope)
  if (entry !== undefined) return entry
  if (scope === 'openid') return { group: 'Everything', words: 'Know your name' }
  return { group: 'Tools', words: `Run the tool ${scope.slice(scope.lastIndexOf(':') + 1)}` }
}

function renderGroup({ name, entries }: ScopeGroup): Markup {
  return html`<h2>${name}</h2>
    <ul>${entries.map(({ scope, words }) => html`<li>${words} <code>${scope}</code></li>`)}</ul>`
}
