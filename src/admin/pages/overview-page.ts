import { html, raw } from 'hono/html'
import { displayText } from '../../core/display-text.ts'
import type { Markup } from '../../http/page.ts'
import type { Overview, Table } from '../contract.ts'
import { assets } from './assets.ts'
import { type Frame, hrefOf, layOut } from './layout.ts'

/** More than any tool or list of missing scopes that a reader takes in. */
const longestCell = 400

/** Renders a table, or says why there is none. What is in its cells was named by clients, users and issuers. */
export function drawTable({ caption, columns, rows, none }: Table): Markup {
  if (rows.length === 0) return html`<h2>${caption}</h2><p class="quiet">${none}</p>`
  return html`<table>
    <caption>${caption}</caption>
    <thead><tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${displayText(cell, longestCell)}</td>`)}</tr>`)}</tbody>
  </table>`
}

/** What is happening, and who does it. */
export function overviewPage(frame: Frame, { points, tables }: Overview): Markup {
  const now = points.at(-1)
  return layOut(
    'Overview',
    frame,
    html`<div class="heading">
      <h1>Overview</h1>
      <p class="quiet"><span data-state role="status">as of now</span>
        <button type="button" data-pause aria-pressed="false" hidden>Pause</button></p>
    </div>
    <noscript><p class="quiet">Reload the page for newer figures.</p></noscript>
    <div class="charts">
      ${chart('traffic', 'Requests per second, last ten minutes (UTC)', `${rate(now?.allowed)} allowed, ${rate(now?.refused)} refused, ${rate(now?.failed)} failed per second`)}
      ${chart('latency', 'MCP response time, milliseconds (UTC)', `median ${now?.median ?? '—'} ms, 95th percentile ${now?.slow ?? '—'} ms`)}
    </div>
    ${Object.entries(tables).map(([name, table]) => html`<div class="table" data-table="${name}" role="region" aria-label="${table.caption}" tabindex="0">${drawTable(table)}</div>`)}
    <script type="application/json" data-points data-events="${hrefOf(frame, '/events')}">${raw(asScriptText(points))}</script>
    <script src="${assets.charts.path}" defer></script>
    <script src="${assets.script.path}" defer></script>`,
  )
}

function chart(name: string, caption: string, inWords: string): Markup {
  return html`<figure>
    <figcaption>${caption}</figcaption>
    <div class="chart" data-chart="${name}" role="img" aria-label="${caption}: ${inWords}"></div>
    <noscript>${inWords}</noscript>
  </figure>`
}

function rate(value = 0): string {
  return value.toFixed(1)
}

/** JSON that cannot end the element that contains it. */
function asScriptText(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c')
}
