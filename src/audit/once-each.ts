import { readEvent } from './read-event.ts'
import type { Lines } from './read-lines.ts'

/** Numbers of consecutive events of a chain, both ends included. */
interface Run {
  readonly from: number
  to: number
}

/** The runs of each chain, in the order in which they were read. */
type Runs = Map<string, Run[]>

/**
 * The lines of several folders, one after the other, without events that an earlier folder has as well: a copy
 * of a folder, or an archive that overlaps with it, adds only what is new. Memory grows with the number of
 * chains. Lines are untrusted.
 */
export async function* onceEach(folders: readonly AsyncIterable<Lines>[]): AsyncGenerator<Lines> {
  const [only, ...others] = folders
  if (only !== undefined && others.length === 0) {
    yield* only
    return
  }
  const earlier: Runs = new Map()
  for (const folder of folders) {
    const here: Runs = new Map()
    for await (const { lines, ...place } of folder)
      yield { ...place, lines: lines.filter((line) => isNew(line, earlier, here)) }
    for (const [chain, runs] of here) earlier.set(chain, [...(earlier.get(chain) ?? []), ...runs])
  }
}

/** Whether no earlier folder has an event. Notes that this one has it. What is no event does not stand for one. */
function isNew(line: string, earlier: Runs, here: Runs): boolean {
  const event = readEvent(line)
  if (event === undefined) return true
  const { chain, seq } = event
  const runs = here.get(chain) ?? []
  const last = runs.at(-1)
  if (last?.to === seq - 1) last.to = seq
  else runs.push({ from: seq, to: seq })
  here.set(chain, runs)
  return earlier.get(chain)?.some(({ from, to }) => seq >= from && seq <= to) !== true
}
