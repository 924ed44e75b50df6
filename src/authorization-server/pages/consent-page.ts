import { html } from 'hono/html'
import type { ScopeCatalogue } from '../../core/scope-catalogue.ts'
import type { Site } from '../../core/site.ts'
import { type Markup, renderPage } from '../../http/page.ts'
import { namelessClient } from '../registration/client-name.ts'
import { type ConsentWarning, renderWarning } from './consent-warnings.ts'
import { startedByYourself } from './device-pages.ts'
import { renderGroups, renderScopes } from './scope-list.ts'

/** What a user has to know to decide about a client. Names are safe to show. */
export interface ConsentPage {
  readonly action: string
  readonly csrf: string
  /** Where the user can revoke it. */
  readonly accountUrl: string
  readonly clientName: string
  /** The host that vouches for the client's document, if its id is the document's URL. */
  readonly clientHost: string | undefined
  readonly accountName: string
  /**
   * Where the browser will go: the host, with port, or the scheme that opens a program; and the whole
   * redirect URI. Undefined if the client polls for the answer.
   */
  readonly answer: { readonly host: string; readonly uri: string } | undefined
  readonly warnings: readonly ConsentWarning[]
  readonly resourceName: string
  readonly resource: string
  readonly catalogue: ScopeCatalogue
  /** What the client asks for and may not do yet. */
  readonly newScopes: readonly string[]
  /** What it asks for and was allowed before. */
  readonly allowedScopes: readonly string[]
}

/** Asks a user to approve a client, or to let it do more. Approving is the form's default. */
export function consentPage(site: Site, consent: ConsentPage): Markup {
  const { clientName, answer, newScopes, allowedScopes } = consent
  const isStepUp = newScopes.length > 0 && allowedScopes.length > 0
  return renderPage(
    site,
    isStepUp ? `Let ${titleName(clientName)} do more?` : `Let ${titleName(clientName)} in?`,
    html`
      <p>You are signed in as <strong>${consent.accountName}</strong>. <strong>${clientName}</strong> asks for access to
        the server <strong>${consent.resourceName}</strong> <code>${consent.resource}</code>.</p>
      ${
        answer === undefined
          ? startedByYourself
          : html`<p class="host">Your answer goes to <strong>${answer.host}</strong> <code>${answer.uri}</code></p>`
      }
      ${consent.clientHost === undefined ? '' : html`<p>Its description comes from <strong>${consent.clientHost}</strong>.</p>`}
      ${consent.warnings.map(renderWarning)}
      ${isStepUp ? renderStepUp(consent) : renderAll(consent)}
      <p class="quiet">You can revoke this at any time at <code>${consent.accountUrl}</code>.</p>
      <form method="post" action="${consent.action}">
        <input type="hidden" name="csrf" value="${consent.csrf}" />
        <div class="actions">
          <button class="primary" type="submit" name="decision" value="approve">Approve</button>
          <button type="submit" name="decision" value="deny">Deny</button>
        </div>
      </form>`,
  )
}

/** A heading has no room for a name as long as a paragraph; the text below has it, or says that there is none. */
function titleName(clientName: string): string {
  return clientName.length > 32 || clientName === namelessClient ? 'this program' : clientName
}

function renderStepUp({ catalogue, newScopes, allowedScopes }: ConsentPage): Markup {
  return html`<h2>New</h2>
    ${renderScopes(catalogue, newScopes)}
    <h2>Allowed before</h2>
    ${renderScopes(catalogue, allowedScopes)}`
}

function renderAll({ catalogue, newScopes, allowedScopes }: ConsentPage): Markup {
  if (newScopes.length + allowedScopes.length === 0) {
    return html`<p>It asks for no permissions beyond connecting.</p>`
  }
  return html`${allowedScopes.length === 0 ? '' : html`<p>You have allowed all of this before.</p>`}
    ${renderGroups(catalogue, [...newScopes, ...allowedScopes])}`
}
