import { html } from 'hono/html'
import type { Markup } from '../../http/page.ts'

interface ConfirmedForm {
  readonly action: string
  /** The hidden fields. */
  readonly fields: Readonly<Record<string, string>>
  /** The verb on the button, and its object: `Revoke`, `the access of Notes`. */
  readonly verb: string
  readonly object: string
  /** What will follow. */
  readonly consequence: string
}

/** A form that asks for confirmation before it does something irreversible, without a script. */
export function confirmedForm({ action, fields, verb, object, consequence }: ConfirmedForm): Markup {
  return html`<details class="confirm">
      <summary><span class="closed">${verb}<span class="unseen"> ${object}…</span></span><span class="opened">Cancel</span></summary>
      <form method="post" action="${action}">
        ${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
        <p>${consequence}</p>
        <button type="submit" aria-label="${verb} ${object}">${verb}</button>
      </form>
    </details>`
}
