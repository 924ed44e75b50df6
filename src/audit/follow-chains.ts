import type { AnchoredPlaces } from './anchors.ts'
import { hashLine, noHash, type Place } from './chain.ts'
import type { RecordedEvent } from './event.ts'
import { type Spot, type Tell, writeSpot } from './findings.ts'

/** What is known of a chain so far: its last event, what of it is signed, and what is missing. */
export interface ChainState {
  seq: number
  hash: string
  spot: Spot
  signedSeq: number
  /** The time of the first event that no signature covers yet, in milliseconds since the epoch. */
  unsignedSince: number | undefined
  /** Events that no signature covers yet, by number. */
  readonly unsigned: Map<number, Unsigned>
  /** How often the chain signs, in milliseconds; undefined after a missing signature was reported. */
  signsEvery: number | undefined
  ended: boolean
  /** Numbers that were skipped: removed, unless they come later. */
  readonly gaps: Gap[]
}

/** An event that others may have promised to exist. */
interface Unsigned {
  readonly hash: string
  readonly spot: Spot
}

interface Gap {
  readonly from: number
  readonly to: number
  /** Of the event after it. */
  readonly spot: Spot
}

/** The chains of a trail, as far as it has been read. */
interface Chains {
  readonly states: ReadonlyMap<string, ChainState>
  /** Puts an event into its chain, and tells what does not fit. Returns the chain. */
  readonly follow: (event: RecordedEvent, line: string, spot: Spot) => ChainState
  /** Whether an event would come right after the last one of its chain. */
  readonly isNext: (place: Pick<Place, 'chain' | 'seq'>) => boolean
  /** At the end, tells what never came. */
  readonly tellOfGaps: () => void
}

const beforeAll = { seq: -1, hash: noHash }
/**
 * A chain whose beginning was pruned has not said how often it signs: this is the longest that can be set.
 */
const defaultSignsEvery = 3600 * 1000

/** Compares each event with the previous one of its chain, by number and hash. */
export function followChains(anchors: AnchoredPlaces, tell: Tell): Chains {
  const states = new Map<string, ChainState>()

  const begin = ({ chain, seq, prev, event }: RecordedEvent, hash: string, spot: Spot): ChainState => {
    if (seq <= 0 && event !== 'audit.begin')
      tell('unsigned', spot, `chain ${chain} does not begin with audit.begin, which is signed`)
    const state: ChainState = {
      seq,
      hash,
      spot,
      signedSeq: seq - 1,
      unsignedSince: undefined,
      unsigned: new Map(),
      signsEvery: defaultSignsEvery,
      ended: false,
      gaps: [],
    }
    const before = beginningOf(chain, seq)
    if (seq > before.seq + 1) state.gaps.push({ from: before.seq + 1, to: seq - 1, spot })
    else if (prev !== before.hash)
      tell('changed', spot, isNotWhatItWas(before.seq, chain, 'what stands here did not come after it'))
    states.set(chain, state)
    return state
  }

  /** What comes before the first existing event of a chain: nothing, or the nearest anchor. */
  const beginningOf = (chain: string, seq: number): Pick<Place, 'seq' | 'hash'> => {
    const anchored = (anchors.get(chain) ?? []).filter((place) => place.seq < seq)
    return anchored.reduce((last, place) => (place.seq > last.seq ? place : last), beforeAll)
  }

  const goOn = (
    state: ChainState,
    { chain, seq, prev }: RecordedEvent,
    { hash, spot }: Pick<ChainState, 'hash' | 'spot'>,
  ): void => {
    if (state.ended) tell('changed', spot, `chain ${chain} goes on after its end`)
    if (seq > state.seq + 1) state.gaps.push({ from: state.seq + 1, to: seq - 1, spot })
    else if (prev !== state.hash) {
      const next = `the next one, ${writeSpot(spot)}, has another hash of it`
      tell('changed', state.spot, isNotWhatItWas(state.seq, chain, next))
    }
    state.seq = seq
    state.hash = hash
    state.spot = spot
  }

  const comeLate = (state: ChainState, { chain, seq }: RecordedEvent, spot: Spot): void => {
    const last = `number ${state.seq}, ${writeSpot(state.spot)}`
    tell('reordered', spot, `number ${seq} of chain ${chain} comes after ${last}`)
    const index = state.gaps.findIndex(({ from, to }) => seq >= from && seq <= to)
    const gap = state.gaps[index]
    if (gap === undefined) return
    const parts = [
      { ...gap, to: seq - 1 },
      { ...gap, from: seq + 1 },
    ]
    state.gaps.splice(index, 1, ...parts.filter(({ from, to }) => from <= to))
  }

  return {
    states,
    follow(event, line, spot) {
      const state = states.get(event.chain)
      if (state === undefined) return begin(event, hashLine(line), spot)
      if (event.seq <= state.seq) comeLate(state, event, spot)
      else goOn(state, event, { hash: hashLine(line), spot })
      return state
    },
    isNext({ chain, seq }) {
      const state = states.get(chain) ?? { ...beginningOf(chain, seq), ended: false }
      return !state.ended && state.seq === seq - 1
    },
    tellOfGaps() {
      for (const [chain, { gaps }] of states)
        for (const gap of gaps)
          tell('removed', gap.spot, `${numbers(gap)} of chain ${chain} ${are(gap)} missing before this one`)
    },
  }
}

function isNotWhatItWas(seq: number, chain: string, why: string): string {
  return `number ${Math.max(seq, 0)} of chain ${chain} is not what it was: ${why}`
}

function numbers({ from, to }: Gap): string {
  return from === to ? `number ${from}` : `numbers ${from} to ${to}`
}

function are({ from, to }: Gap): string {
  return from === to ? 'is' : 'are'
}
