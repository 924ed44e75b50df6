import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Events are in files of a folder, by day (UTC) and part, and the names sort in the order of the events. Any
 * number of processes append to the same file; when it is full, or the day is over, each of them moves on to
 * the next, and never back.
 */
interface FileName {
  readonly day: string
  readonly part: number
}

const pattern = /^audit-(?<day>\d{4}-\d{2}-\d{2})\.(?<part>\d{5})\.jsonl$/

/** Each day (UTC) has files of its own. */
export const dayMilliseconds = 24 * 3600 * 1000

/** The byte that ends each line. */
export const lineEnd = 0x0a

/** Contains the signed heads of what was pruned. */
export const anchorsName = 'anchors.jsonl'

/** The names of the event files in a folder, oldest first; empty if there is no folder. */
export function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => pattern.test(name))
      .toSorted()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** The file to append to at a given time; `latest` is the one that was last used, which may be full. */
export function currentFile(
  latest: string | undefined,
  now: number,
  { isFull = false }: { readonly isFull?: boolean } = {},
): string {
  const today = new Date(now).toISOString().slice(0, 10)
  const known = latest === undefined ? undefined : parse(latest)
  // A clock that was set back must not lead back to a finished file.
  if (known === undefined || known.day < today) return write({ day: today, part: 1 })
  return write({ day: known.day, part: known.part + (isFull ? 1 : 0) })
}

/**
 * The time before which everything in a file was written: the end of its day, in milliseconds since the
 * epoch.
 */
export function endOfFile(name: string): number {
  const day = parse(name)?.day
  if (day === undefined) throw new Error(`${name} is no file of events`)
  return Date.parse(day) + dayMilliseconds
}

/** The paths of the event files in a folder, oldest first. */
export function filePaths(folder: string): string[] {
  return listFiles(folder).map((name) => join(folder, name))
}

function parse(name: string): FileName | undefined {
  const { day, part } = pattern.exec(name)?.groups ?? {}
  return day === undefined ? undefined : { day, part: Number(part) }
}

function write({ day, part }: FileName): string {
  return `audit-${day}.${String(part).padStart(5, '0')}.jsonl`
}
