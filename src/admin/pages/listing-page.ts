import { html } from 'hono/html'
import type { Markup } from '../../http/page.ts'
import {
  type ListedPage,
  type ListedRow,
  type Listing,
  type ListingQuery,
  longestQueryText,
  rowsOfPage,
} from '../contract.ts'
import { type Frame, hrefOf, layOut } from './layout.ts'

/** What came of an action. */
export interface ActionResult {
  readonly text: string
  readonly failed: boolean
}

/** A page of a listing, and what the operator has to know. */
interface ShownListing extends ListedPage {
  readonly asked: ListingQuery
  readonly result: ActionResult | undefined
}

/** A listing of something in the store. Each action asks for confirmation first, without a script. */
export function listingPage(frame: Frame, listing: Listing, shown: ShownListing): Markup {
  const { title, path, about, columns, actions } = listing
  const { rows, result, asked } = shown
  const here = hrefOf(frame, path)
  const form = (name: string, row: ListedRow): Markup => {
    const action = actions[name]
    if (action === undefined) return html``
    return html`<details class="confirm">
      <summary><span class="closed">${action.label}</span><span class="opened">Cancel</span><span class="unseen"> ${row.cells[0]}</span></summary>
      <p>${action.consequence}</p>
      <form method="post" action="${here}/${name}${writeQuery(asked.text, shown.page)}">
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
    ${result === undefined ? '' : html`<p class="${result.failed ? 'note' : 'told'}" role="${result.failed ? 'alert' : 'status'}">${result.text}</p>`}
    <form class="search" role="search" action="${here}">
      <label for="q">Find</label>
      <input type="text" id="q" name="q" value="${asked.text}" maxlength="${longestQueryText}" /><button>Find</button>
    </form>
    ${
      rows.length === 0
        ? html`<p class="quiet">${asked.text === '' ? 'There are none.' : `There is none with “${asked.text}”.`}</p>`
        : html`<div class="table rowed" role="region" aria-label="${title}" tabindex="0"><table>
      <thead><tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}<th scope="col"><span class="unseen">Actions</span></th></tr></thead>
      <tbody>${rows.map((row) => html`<tr>${row.cells.map((cell) => html`<td>${cell}</td>`)}<td>${row.actions.map((name) => form(name, row))}</td></tr>`)}</tbody>
    </table></div>`
    }
    ${pages(here, shown)}`,
  )
}

/** Which of how many rows these are, and links to the others. */
function pages(here: string, { rows, total, page, asked }: ShownListing): Markup {
  const before = (page - 1) * rowsOfPage
  const link = (to: number, rel: string, text: string): Markup =>
    html`<a rel="${rel}" href="${here}${writeQuery(asked.text, to)}">${text}</a>`
  if (total === 0) return html``
  return html`<nav class="pages" aria-label="Pages">
      <span>${before + 1} to ${before + rows.length} of ${total}</span>
      ${page === 1 ? '' : link(page - 1, 'prev', 'Earlier')}
      ${before + rows.length >= total ? '' : link(page + 1, 'next', 'More')}
    </nav>`
}

function writeQuery(text: string, page: number): string {
  const query = new URLSearchParams({ ...(text && { q: text }), ...(page > 1 && { page: String(page) }) })
  return query.size === 0 ? '' : `?${query.toString()}`
}
