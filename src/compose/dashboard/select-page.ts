import { type ListedPage, type ListedRow, type ListingQuery, rowsOfPage } from '../../admin/contract.ts'
import type { FoundArtifact } from '../../storage/artifact-contract.ts'
import type { Store } from '../../storage/contract.ts'

/** Selects a page from rows in memory: those that contain the text, ignoring case. */
export function pageOf(rows: readonly ListedRow[], { text, page }: ListingQuery): ListedPage {
  const wanted = text.toLowerCase()
  const found = rows.filter(({ cells }) => cells.some((cell) => cell.toLowerCase().includes(wanted)))
  const shown = placeOf(found.length, page)
  return { rows: found.slice(shown.skip, shown.skip + rowsOfPage), total: found.length, page: shown.page }
}

/** A page of artifacts that belong to accounts. */
export async function artifactPage(
  { artifacts }: Pick<Store, 'artifacts'>,
  model: string,
  { text, page: asked }: ListingQuery,
): Promise<{ readonly found: readonly FoundArtifact[]; readonly total: number; readonly page: number }> {
  const total = await artifacts.count(model, text)
  const { page, skip } = placeOf(total, asked)
  return { found: await artifacts.list(model, { text, skip, most: rowsOfPage }), total, page }
}

function placeOf(total: number, asked: number): { readonly page: number; readonly skip: number } {
  const page = Math.min(asked, Math.max(1, Math.ceil(total / rowsOfPage)))
  return { page, skip: (page - 1) * rowsOfPage }
}
