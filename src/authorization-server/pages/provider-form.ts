import { html } from 'hono/html'
import type { Site } from '../../core/site.ts'
import { type Markup, renderPage } from '../../http/page.ts'
import { type ConsentWarning, renderWarning } from './consent-warnings.ts'

/** A provider as the page shows it. */
interface OfferedProvider {
  readonly name: string
  readonly label: string
  readonly host: string
  readonly scopes: readonly string[]
}

/** A client that waits for its user, with texts that are safe to show. */
export interface WaitingClient {
  readonly name: string
  /** The host that vouches for its document, if its id is the document's URL. */
  readonly host: string | undefined
  /** Where its answer goes; undefined if it polls for it. */
  readonly answer: { readonly host: string; readonly uri: string } | undefined
  readonly warnings: readonly ConsentWarning[]
}

interface ProviderForm {
  readonly action: string
  readonly csrf: string
  readonly providers: readonly OfferedProvider[]
  /** Absent if no client is waiting. */
  readonly waiting?: WaitingClient | undefined
}

/**
 * Asks users before they are sent to an identity provider, showing which client wants that, where the answer
 * goes, and what the provider is asked for. A provider that already knows the user would not ask anything.
 */
export function providerForm({ action, csrf, providers, waiting }: ProviderForm): Markup {
  return html`${waiting === undefined ? '' : describeClient(waiting)}
    <form method="post" action="${action}">
      <input type="hidden" name="csrf" value="${csrf}" />
      <div class="actions">
        ${providers.map(
          ({ name, label }) =>
            html`<button class="primary" type="submit" name="provider" value="${name}">Sign in with ${label}</button>`,
        )}
        ${waiting === undefined ? '' : html`<button type="submit" name="decision" value="deny">Cancel</button>`}
      </div>
    </form>
    ${providers.map(
      ({ label, host, scopes }) =>
        html`<p class="quiet">${label} is at <strong>${host}</strong> and is asked for: ${scopes.join(', ')}.</p>`,
    )}`
}

function describeClient({ host, answer, warnings }: WaitingClient): Markup {
  return html`${
    answer === undefined
      ? ''
      : html`<p class="host">The answer goes to <strong>${answer.host}</strong> <code>${answer.uri}</code></p>`
  }
    ${host === undefined ? '' : html`<p>Its description comes from <strong>${host}</strong>.</p>`}
    ${warnings.map(renderWarning)}`
}

/** The page if an identity provider does not answer. */
export function providerAwayPage(site: Site, label: string, requestId: string): Markup {
  return renderPage(
    site,
    `${label} cannot be reached`,
    html`<p>To sign you in, this server needs ${label}, which does not answer at the moment, or not as it should.</p>
      <p>Go back and try again in a moment. If this keeps happening, give the administrator the request number below: the log has the reason.</p>
      <p class="quiet">Request ${requestId}</p>`,
  )
}
