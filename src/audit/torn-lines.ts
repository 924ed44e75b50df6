import type { Place } from './chain.ts'
import { schemaVersion } from './event.ts'
import type { Spot, Tell } from './findings.ts'
import { readEvent } from './read-event.ts'

/** How each event begins. */
const opening = `{"v":${schemaVersion},"chain":"`
const head = /^\{"v":\d+,"chain":"(?<chain>[\w-]+)","seq":(?<seq>\d+),/
const longestHead = 64
/** A line that somebody made up may have any length, and any number of openings in it, each of which costs a look. */
const longestLine = 512 * 1024
const mostTries = 64

/** The lines of a trail that are not events. */
export interface OtherLines {
  /** Of how many events only the beginning is there. */
  readonly torn: number
  /** Reads such a line. It is untrusted. */
  read(line: string, spot: Spot): void
  /** Must be called with the chain of each event. */
  follow(chain: string): void
}

/**
 * Tells those that were changed from those that are the beginning of an event, as it stands where a process was killed
 * while it wrote, or the machine stopped. Nothing of its chain comes after that. It proves nothing: whoever can cut
 * the last event of a chain could as well have removed it. `isNext` says whether an event would be the next one of its
 * chain.
 */
export function otherLines(isNext: (place: Pick<Place, 'chain' | 'seq'>) => boolean, tell: Tell): OtherLines {
  const ends = new Map<string, Spot>()
  let torn = 0
  const tellOfChange = (spot: Spot): void =>
    tell('unreadable', spot, 'this line is no event, and was not torn: it was changed')
  return {
    get torn() {
      return torn
    },
    read(line, spot) {
      const { chain, seq } = head.exec(line)?.groups ?? {}
      const isTorn = chain === undefined ? isStart(line) : isNext({ chain, seq: Number(seq) })
      if (!isTorn || isJson(line)) return tellOfChange(spot)
      torn++
      if (chain !== undefined) ends.set(chain, spot)
    },
    follow(chain) {
      const end = ends.get(chain)
      if (end === undefined) return
      torn--
      ends.delete(chain)
      tellOfChange(end)
    },
  }
}

/**
 * Separates an event from a torn one in front of it: another process had gone on to write where the first one had
 * been killed. Every other line stays as it is.
 */
export function separateTorn(line: string): readonly string[] {
  let at = line.indexOf(opening, 1)
  // Arguments, which a client chooses, may look like an event.
  if (at === -1 || line.length > longestLine || isJson(line)) return [line]
  for (let tries = 0; at !== -1 && tries < mostTries; tries++) {
    // In what is torn they may as well, but the line goes on behind them.
    if (readEvent(line.slice(at)) !== undefined) return [line.slice(0, at), line.slice(at)]
    at = line.indexOf(opening, at + 1)
  }
  return [line]
}

/** A line this short may not have come to its number. */
function isStart(line: string): boolean {
  return line.length < longestHead && (opening.startsWith(line) || line.startsWith(opening))
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
