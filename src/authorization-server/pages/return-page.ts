import { html } from 'hono/html'
import { displayText } from '../../core/display-text.ts'
import type { Site } from '../../core/site.ts'
import { type Markup, renderPage } from '../../http/page.ts'
import { sentence } from '../../http/problem-page.ts'

interface Return {
  /** A redirect URI that the client registered, with the answer for it. */
  readonly target: string
  readonly host: string
  readonly error: string
  readonly description: string
  readonly requestId: string
}

/** Tells a user that a client's request was refused, and lets them go back to the client. */
export function returnPage(site: Site, { target, host, error, description, requestId }: Return): Markup {
  return renderPage(
    site,
    'The request cannot be served',
    html`<p>The program that sent you made a request that this server does not accept. ${sentence(description)}
        <code>${displayText(error)}</code></p>
      <p class="host">The program will be told at <strong>${host}</strong></p>
      <p>Go there only if you recognize that address. You can also just close this page.</p>
      <p class="actions"><a class="button" href="${target}" rel="noreferrer">Go to ${host}</a></p>
      <p class="quiet">Request ${requestId}</p>`,
  )
}
