import { setImmediate as endOfTurn } from 'node:timers/promises'

/**
 * How many rows a statement of the embedded store looks at, or are opened at a time: meanwhile, its process does
 * nothing else.
 */
export const rowsInTurn = 256

/** What is in memory, some at a time, between which others have their turn. */
export async function* inTurns<T>(all: readonly T[]): AsyncGenerator<readonly T[]> {
  for (let from = 0; from < all.length; from += rowsInTurn) {
    if (from > 0) await endOfTurn()
    yield all.slice(from, from + rowsInTurn)
  }
}

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
