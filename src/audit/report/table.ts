import { html, raw } from 'hono/html'
import { displayText } from '../../core/display-text.ts'

/** An escaped part of a page. */
export type Markup = ReturnType<typeof html>

/** A column of a table. */
export interface Column {
  readonly name: string
  readonly isNumber?: boolean
}

/** The cells of a row, in the order of the columns. */
export type Row = readonly (string | number)[]

/** Text columns. */
export function texts(...names: readonly string[]): Column[] {
  return names.map((name) => ({ name }))
}

/** A part of the page under a heading. */
export function section(title: string, about: string, content: Markup): Markup {
  return html`<section aria-label="${title}"><h2>${title}</h2><p>${about}</p>${content}</section>`
}

/** What is in a cell was named by clients, users and issuers, and is shown in full. */
function show(cell: string | number): string | number {
  return typeof cell === 'number' ? cell : displayText(cell, Number.POSITIVE_INFINITY)
}

/** A table that scrolls if it is too wide, also by keyboard. */
export function table(
  label: string,
  columns: readonly Column[],
  { rows, isMarked }: { readonly rows: readonly Row[]; readonly isMarked?: (row: Row) => boolean },
): Markup {
  if (rows.length === 0) return html`<p>None.</p>`
  const kind = (index: number) => raw(columns[index]?.isNumber === true ? ' class="number"' : '')
  const heads = columns.map(({ name }, index) => html`<th scope="col"${kind(index)}>${name}</th>`)
  const lines = rows.map((row) => {
    const cells = row.map((cell, index) => html`<td${kind(index)}>${show(cell)}</td>`)
    return html`<tr${raw(isMarked?.(row) === true ? ' class="marked"' : '')}>${cells}</tr>
`
  })
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}, table"><table><thead><tr>${heads}</tr></thead><tbody>
${lines}</tbody></table></div>`
}
