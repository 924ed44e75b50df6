/**
 * How many rows a statement of the embedded store looks at, or are opened at a time: meanwhile, its process does
 * nothing else.
 */
export const rowsInTurn = 256

/** Both databases accept more than ten times as many values in one statement. */
const mostInPiece = 512

/**
 * Cuts a list into pieces for one statement each: as large as possible, and of few different sizes, since
 * each size is another statement text, and those are kept.
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
