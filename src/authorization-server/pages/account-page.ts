import { html } from 'hono/html'
import type { ScopeCatalogue } from '../../core/scope-catalogue.ts'
import type { Site } from '../../core/site.ts'
import { type Markup, renderPage } from '../../http/page.ts'
import { accountPath } from '../paths.ts'
import { accountNav } from './account-nav.ts'
import { confirmedForm } from './confirmed-form.ts'
import { renderScopes } from './scope-list.ts'

/** What one client may do. Names are safe to show. */
export interface ConnectedClient {
  readonly id: string
  readonly name: string
  /** The hosts that its answers go to, and the host of its document. */
  readonly hosts: readonly string[]
  /**
   * When it was approved, in milliseconds since the epoch, like the next one; undefined if it currently is
   * not.
   */
  readonly since: number | undefined
  /** Until when it may connect without asking; undefined if it may not. */
  readonly unaskedUntil: number | undefined
  readonly servers: readonly { readonly name: string; readonly scopes: readonly string[] }[]
}

interface AccountPage {
  readonly accountName: string
  /** Where the forms of the page are posted, and their token. */
  readonly action: string
  readonly csrf: string
  readonly catalogue: ScopeCatalogue
  readonly clients: readonly ConnectedClient[]
  /** Whether users are kept here. */
  readonly hasLocal: boolean
}

/** Shows users which clients they have approved, and lets them revoke that. */
export function accountPage(
  site: Site,
  { accountName, action, csrf, catalogue, clients, hasLocal }: AccountPage,
): Markup {
  return renderPage(
    site,
    'Your account',
    html`
      <p>You are signed in as <strong>${accountName}</strong>. ${
        clients.length === 0
          ? 'No program can act for you.'
          : 'These programs can act for you until you revoke their access.'
      }</p>
      ${clients.map(
        (client) => html`
          <section class="client">
            <h2>${client.name}</h2>
            <p class="quiet">${client.hosts.length === 0 ? '' : `${client.hosts.join(', ')} · `}${renderTimes(client)}</p>
            ${client.servers.map(
              ({ name, scopes }) => html`
                <h3>${name}</h3>
                ${renderScopes(catalogue, scopes)}`,
            )}
            ${confirmedForm({
              action,
              fields: { csrf, client_id: client.id },
              verb: 'Revoke',
              object: `the access of ${client.name}`,
              consequence: 'It loses its access at once and has to ask you again.',
            })}
          </section>`,
      )}
      ${accountNav(site, accountPath, { hasLocal })}`,
  )
}

function renderTimes({ since, unaskedUntil }: ConnectedClient): Markup {
  if (unaskedUntil === undefined) return html`since ${renderDay(since)}`
  const unasked = html`may connect without asking you until ${renderDay(unaskedUntil)}`
  return since === undefined
    ? html`not connected, but ${unasked}`
    : html`since ${renderDay(since)} · ${unasked}`
}

function renderDay(time = 0): Markup {
  const day = new Date(time).toISOString().slice(0, 10)
  return html`<time datetime="${day}">${day}</time>`
}
