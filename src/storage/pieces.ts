/** Both databases take more than ten times as many values in one statement. */
const mostInPiece = 512

/**
 * Cuts a list into pieces for one statement each: as large ones as there can be, and of few sizes, since each size is
 * another text of a statement, and those are kept.
 */
export function inPieces<T>(all: readonly T[]): readonly (readonly T[])[] {
  const pieces: (readonly T[])[] = []
  let size = mostInPiece
  for (let from = 0; from < all.length; from += size) {
    while (size > all.length - from) size /= 2
    pieces.push(all.slice(from, from + size))
  }
  return pieces
}
