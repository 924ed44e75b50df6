import { type ListedPage, type ListedRow, type ListingQuery, rowsOfPage } from '../../admin/contract.ts'
import type { FoundArtifact } from '../../storage/artifact-contract.ts'
import type { Store } from '../../storage/contract.ts'
import { inTurns } from '../../storage/pieces.ts'

/**
 * Selects a page from what is in memory: of that whose cells contain the text, ignoring case. Only what is looked at is
 * described, some at a time, between which others have their turn: there may be very much.
 */
export async function pageOf<T>(
  all: readonly T[],
  { text, page }: ListingQuery,
  describe: (one: T) => ListedRow,
): Promise<ListedPage> {
  const found = text === '' ? all : await search(all, text.toLowerCase(), describe)
  const shown = placeOf(found.length, page)
  const rows = found.slice(shown.skip, shown.skip + rowsOfPage).map(describe)
  return { rows, total: found.length, page: shown.page }
}

async function search<T>(
  all: readonly T[],
  wanted: string,
  describe: (one: T) => ListedRow,
): Promise<readonly T[]> {
  const found: T[] = []
  const isFound = (one: T): boolean => describe(one).cells.some((cell) => cell.toLowerCase().includes(wanted))
  for await (const some of inTurns(all)) found.push(...some.filter(isFound))
  return found
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
