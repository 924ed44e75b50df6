import { type Family, type Fault, type Way, waysOf } from './faults.ts'
import { readMarks } from './marks.ts'
import { idOf } from './messages.ts'

/** What was requested, and what may go wrong with it. */
export interface Asked {
  readonly user: string
  readonly number: number
  readonly family: Family
  readonly fault: Fault | undefined
}

/** What was received. */
export interface Came {
  /** 0 if not even a head was received. */
  readonly status: number
  readonly text: string
  /** How it ended. */
  readonly end: 'whole' | 'cut' | 'left' | 'no end'
}

/** `expected` is for faults that were answered as allowed, `unexpected` for the others. */
export interface Judgement {
  readonly verdict: 'answered' | 'refused' | 'lost' | 'doubled' | 'crossed' | 'expected' | 'unexpected'
  readonly way: Way
}

/** The ids of answers, and progress tokens: a client uses the same for both. */
const ids = /"jsonrpc":"2\.0","id":(\d+)[,}]|"progressToken":(\d+)[,}]/g

/** Decides whether an answer is the requested one, and nothing else. */
export function judgeAnswer({ user, number, family, fault }: Asked, came: Came): Judgement {
  const marks = readMarks(came.text)
  const way = wayOf(came, number)
  const foreign =
    marks.some((mark) => mark.user !== user || mark.number !== number) ||
    [...came.text.matchAll(ids)].some(([, id, token]) => Number(id ?? token) !== idOf(number))
  if (foreign) return { verdict: 'crossed', way }
  if (marks.filter(({ part }) => part === 'r').length > 1) return { verdict: 'doubled', way }
  if (fault !== undefined) {
    return { verdict: waysOf(fault, family).includes(way) ? 'expected' : 'unexpected', way }
  }
  if (way === 'answer') return { verdict: 'answered', way }
  return { verdict: /^\d+$/.test(way) ? 'refused' : 'lost', way }
}

function wayOf({ status, text, end }: Came, number: number): Way {
  if (end !== 'whole') return end
  if (status !== 200) return `${status}`
  const parts = new Set(readMarks(text).map(({ part }) => part))
  const answer = `"jsonrpc":"2.0","id":${idOf(number)}`
  if (parts.has('r') && text.includes(`${answer},"result"`)) return 'answer'
  if (text.includes(`${answer},"error"`)) return 'error'
  return parts.has('x') ? 'nonsense' : 'nothing'
}
