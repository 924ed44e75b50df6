import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { unreadable } from './audit-unusable.ts'
import { separateTorn } from './torn-lines.ts'

/** Some consecutive lines, and where they are: the number of the first one, from 1. */
export interface Lines {
  readonly source: string
  readonly first: number
  readonly lines: readonly string[]
  /** Bytes that were read so far. */
  readonly bytes: number
  /** Whether it is a line without a line break, which somebody may still be writing. */
  readonly isUnfinished?: boolean
}

const chunkBytes = 1024 * 1024

/**
 * Reads files in order, line by line, in bounded memory. A last line without a line break is a line as well;
 * in the last file it counts as unfinished if processes may be writing to it (`isLive`). An event behind a torn
 * one is a line of its own, with the same number. Throws AuditUnusable.
 */
export async function* readLines(
  paths: readonly string[],
  { isLive = false }: { readonly isLive?: boolean } = {},
): AsyncGenerator<Lines> {
  let bytes = 0
  for (const path of paths) {
    let first = 1
    let rest = ''
    for await (const chunk of read(path)) {
      const text = rest + chunk
      const lines = text.split('\n')
      rest = lines.pop() ?? ''
      bytes += Buffer.byteLength(chunk)
      yield* inPieces({ source: basename(path), first, lines, bytes })
      first += lines.length
    }
    const isUnfinished = isLive && path === paths.at(-1)
    if (rest !== '') yield* inPieces({ source: basename(path), first, lines: [rest], bytes, isUnfinished })
  }
}

/** A new piece begins with each event that was behind a torn one, since lines count from its beginning. */
function* inPieces(all: Lines): Generator<Lines> {
  let begin = 0
  let lines: string[] = []
  for (const [index, line] of all.lines.entries()) {
    const [part = '', event] = separateTorn(line)
    lines.push(part)
    if (event === undefined) continue
    yield { ...all, first: all.first + begin, lines, isUnfinished: false }
    begin = index
    lines = [event]
  }
  if (lines.length > 0) yield { ...all, first: all.first + begin, lines }
}

async function* read(path: string): AsyncGenerator<string> {
  try {
    for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: chunkBytes }))
      yield String(chunk)
  } catch (error) {
    throw unreadable(path, error)
  }
}
