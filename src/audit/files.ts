import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Events stand in files of a folder by day (UTC) and part, and names sort as events came. Any number of processes append
 * to the same one; when it is full, or the day is over, each goes on to the next by itself, and never back.
 */
interface FileName {
  readonly day: string
  readonly part: number
}

const pattern = /^audit-(?<day>\d{4}-\d{2}-\d{2})\.(?<part>\d{5})\.jsonl$/

/** Where the signed heads of what was pruned stand. */
export const anchorsName = 'anchors.jsonl'

/** The names of the files of events in a folder, the oldest first; none where there is no folder. */
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

/** The file to append to at a time, where `latest` is the one that was used last. */
export function currentFile(latest: string | undefined, now: number, isFull: boolean): string {
  const today = new Date(now).toISOString().slice(0, 10)
  const known = latest === undefined ? undefined : parse(latest)
  // A clock that was set back must not lead back to a file that is done with.
  if (known === undefined || known.day < today) return write({ day: today, part: 1 })
  return write({ day: known.day, part: known.part + (isFull ? 1 : 0) })
}

/** When everything in a file is older than that: the end of its day, in milliseconds since the epoch. */
export function endOfFile(name: string): number {
  const day = parse(name)?.day
  if (day === undefined) throw new Error(`${name} is no file of events`)
  return Date.parse(day) + 24 * 3600 * 1000
}

/** The paths of the files of events in a folder, the oldest first. */
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
