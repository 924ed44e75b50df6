import { html } from 'hono/html'
import type { Markup } from '../../http/page.ts'
import type { ListedRow, Listing } from '../contract.ts'
import { type Frame, hrefOf, layOut } from './layout.ts'

/** A listing of what is in the store. Each action asks once more before it happens, without a script. */
export function listingPage(
  frame: Frame,
  { title, path, about, columns, actions }: Listing,
  rows: readonly ListedRow[],
  told: { readonly text: string; readonly failed: boolean } | undefined,
): Markup {
  const form = (name: string, row: ListedRow): Markup => {
    const action = actions[name]
    if (action === undefined) return html``
    return html`<details class="confirm">
      <summary><span class="closed">${action.label}</span><span class="opened">Cancel</span><span class="unseen"> ${row.cells[0]}</span></summary>
      <p>${action.consequence}</p>
      <form method="post" action="${hrefOf(frame, path)}/${name}">
        <input type="hidden" name="csrf" value="${frame.csrf}" />
        <input type="hidden" name="id" value="${row.id}" />
        <button>${action.label}<span class="unseen"> ${row.cells[0]}</span></button>
      </form>
    </details>`
  }
  return layOut(
    title,
    frame,
    html`<h1>${title}</h1>
    <p>${about}</p>
    ${told === undefined ? '' : html`<p class="${told.failed ? 'note' : 'told'}" role="${told.failed ? 'alert' : 'status'}">${told.text}</p>`}
    ${
      rows.length === 0
        ? html`<p class="quiet">There are none.</p>`
        : html`<div class="table rowed" role="region" aria-label="${title}" tabindex="0"><table>
      <thead><tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}<th scope="col"><span class="unseen">Actions</span></th></tr></thead>
      <tbody>${rows.map((row) => html`<tr>${row.cells.map((cell) => html`<td>${cell}</td>`)}<td>${row.actions.map((name) => form(name, row))}</td></tr>`)}</tbody>
    </table></div>`
    }`,
  )
}
