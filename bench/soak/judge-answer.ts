import { type Fault, faults, type Way } from './faults.ts'
import { readMarks } from './marks.ts'

/** What was asked, and what may go wrong with it. */
export interface Asked {
  readonly user: string
  readonly number: number
  readonly fault: Fault | undefined
}

/** What came back. */
export interface Came {
  /** 0 where not even a head came. */
  readonly status: number
  readonly text: string
  /** How it ended. */
  readonly end: 'whole' | 'cut' | 'left' | 'no end'
}

/** `expected` is for faults that were answered as they may be, `unexpected` for those that were not. */
export interface Judgement {
  readonly verdict: 'answered' | 'refused' | 'lost' | 'doubled' | 'crossed' | 'expected' | 'unexpected'
  readonly way: Way
}

const ids = /"jsonrpc":"2\.0","id":(\d+)/g

/** Decides whether an answer is the one that was asked for, and nothing but it. */
export function judgeAnswer({ user, number, fault }: Asked, came: Came): Judgement {
  const marks = readMarks(came.text)
  const way = wayOf(came, number)
  const foreign =
    marks.some((mark) => mark.user !== user || mark.number !== number) ||
    [...came.text.matchAll(ids)].some(([, id]) => Number(id) !== number)
  if (foreign) return { verdict: 'crossed', way }
  if (marks.filter(({ part }) => part === 'r').length > 1) return { verdict: 'doubled', way }
  if (fault !== undefined) {
    const allowed: readonly Way[] = faults[fault]
    return { verdict: allowed.includes(way) ? 'expected' : 'unexpected', way }
  }
  if (way === 'answer') return { verdict: 'answered', way }
  return { verdict: /^\d+$/.test(way) ? 'refused' : 'lost', way }
}

function wayOf({ status, text, end }: Came, number: number): Way {
  if (end !== 'whole') return end
  if (status !== 200) return `${status}`
  const parts = new Set(readMarks(text).map(({ part }) => part))
  if (parts.has('r') && text.includes(`"jsonrpc":"2.0","id":${number},"result"`)) return 'answer'
  if (text.includes(`"jsonrpc":"2.0","id":${number},"error"`)) return 'error event'
  return parts.has('x') ? 'nonsense' : 'nothing'
}
