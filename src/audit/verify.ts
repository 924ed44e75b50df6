import type { AnchoredPlaces } from './anchors.ts'
import { hashLine, noHash, type Place } from './chain.ts'
import type { RecordedEvent } from './event.ts'
import { type Finding, type FindingKind, type Spot, writeSpot } from './findings.ts'
import { type PromisedPlaces, promisesOf } from './last-places.ts'
import { readEvent } from './read-event.ts'
import type { Lines } from './read-lines.ts'
import { isSigned, type TrailKeys } from './signature.ts'

/** The result of a verification. */
export interface Verification {
  readonly events: number
  readonly chains: number
  readonly findings: readonly Finding[]
  /** Findings beyond those that are listed. */
  readonly more: number
  /** Events after the last signature of their chain, whose removal or change could not be detected. */
  readonly unsealed: number
  /** The last place of each chain. */
  readonly heads: readonly Place[]
  /** Chains without an end: of processes that are running, or were killed. */
  readonly open: number
}

interface VerifyOptions {
  readonly keys: TrailKeys
  /** Where chains continue whose beginning was pruned. */
  readonly anchors: AnchoredPlaces
  readonly onProgress?: ((progress: { readonly events: number; readonly bytes: number }) => void) | undefined
}

/** What is known of a chain so far. */
interface ChainState {
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
  readonly gaps: { from: number; to: number; readonly spot: Spot }[]
}

/** An event that others may have promised to exist. */
interface Unsigned {
  readonly hash: string
  readonly spot: Spot
}

const maxFindings = 1000
const beforeAll = { seq: -1, hash: noHash }
/**
 * A chain whose beginning was pruned has not said how often it signs: this is the longest that can be set.
 */
const defaultSignsEvery = 3600 * 1000
/** A busy machine signs late. */
const slack = 60_000

/**
 * Verifies lines as they come, in memory that grows with the number of chains and of their unsigned events.
 * Lines are untrusted.
 */
export async function verifyTrail(
  batches: AsyncIterable<Lines>,
  { keys, anchors, onProgress }: VerifyOptions,
): Promise<Verification> {
  const chains = new Map<string, ChainState>()
  const promised: { place: Place; spot: Spot }[] = []
  const findings: Finding[] = []
  let found = 0
  let events = 0
  const tell = (kind: FindingKind, { source, line }: Spot, message: string): void => {
    if (found++ < maxFindings) findings.push({ kind, source, line, message })
  }

  for await (const { source, first, lines, bytes, isUnfinished = false } of batches) {
    for (const [index, line] of lines.entries()) {
      // A process that opens the file while another one writes may complete a line that was only torn at that
      // moment.
      if (line === '') continue
      const spot = { source, line: first + index }
      const event = readEvent(line)
      if (event === undefined) {
        if (isUnfinished) continue
        tell('unreadable', spot, 'this line is no event: it was changed, or torn when the machine stopped')
        continue
      }
      events++
      const state = follow(event, line, spot)
      if (event.seq === state.seq) state.unsigned.set(event.seq, { hash: state.hash, spot })
      if (isSealed(event)) checkSeal(event, line, { spot, state })
      else checkDue(event, spot, state)
      if (event.event === 'audit.gap')
        tell('lost', spot, `${lostOf(event)} events were never written: there was no room for them to wait`)
    }
    onProgress?.({ events, bytes })
  }
  for (const [chain, { gaps }] of chains)
    for (const gap of gaps)
      tell('removed', gap.spot, `${numbers(gap)} of chain ${chain} ${are(gap)} missing before this one`)
  for (const { place, spot } of promised) checkPromise(place, spot)
  const states = [...chains.values()]
  return {
    events,
    chains: chains.size,
    findings,
    more: Math.max(0, found - findings.length),
    unsealed: states.reduce((sum, { seq, signedSeq }) => sum + seq - signedSeq, 0),
    heads: [...chains].map(([chain, { seq, hash }]) => ({ chain, seq, hash })),
    open: states.filter(({ ended }) => !ended).length,
  }

  function follow({ chain, seq, prev, event }: RecordedEvent, line: string, spot: Spot): ChainState {
    const hash = hashLine(line)
    const known = chains.get(chain)
    if (known === undefined) {
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
      chains.set(chain, state)
      if (seq <= 0 && event !== 'audit.begin')
        tell('unsigned', spot, `chain ${chain} does not begin with audit.begin, which is signed`)
      const before = beginningOf(chain, seq)
      pass(state, { chain, seq, prev }, { before, beforeSpot: undefined, spot })
      return state
    }
    if (seq <= known.seq) {
      comeLate(known, { chain, seq }, spot)
      return known
    }
    if (known.ended) tell('changed', spot, `chain ${chain} goes on after its end`)
    pass(known, { chain, seq, prev }, { before: known, beforeSpot: known.spot, spot })
    known.seq = seq
    known.hash = hash
    known.spot = spot
    return known
  }

  /** Compares an event with the previous one. */
  function pass(
    state: ChainState,
    { chain, seq, prev }: Pick<RecordedEvent, 'chain' | 'seq' | 'prev'>,
    at: { before: Pick<Place, 'seq' | 'hash'>; beforeSpot: Spot | undefined; spot: Spot },
  ): void {
    const { before, beforeSpot, spot } = at
    if (seq > before.seq + 1) state.gaps.push({ from: before.seq + 1, to: seq - 1, spot })
    else if (prev !== before.hash) {
      const next =
        beforeSpot === undefined
          ? 'what stands here did not come after it'
          : `the next one, ${writeSpot(spot)}, has another hash of it`
      tell(
        'changed',
        beforeSpot ?? spot,
        `number ${Math.max(before.seq, 0)} of chain ${chain} is not what it was: ${next}`,
      )
    }
  }

  /** What comes before the first existing event of a chain: nothing, or the nearest anchor. */
  function beginningOf(chain: string, seq: number): Pick<Place, 'seq' | 'hash'> {
    const anchored = (anchors.get(chain) ?? []).filter((place) => place.seq < seq)
    return anchored.reduce((last, place) => (place.seq > last.seq ? place : last), beforeAll)
  }

  /**
   * Signatures come at regular intervals, so events that continue without one were made up, or their
   * signature was removed.
   */
  function checkDue({ chain, time }: RecordedEvent, spot: Spot, state: ChainState): void {
    const at = Date.parse(time)
    state.unsignedSince ??= at
    if (state.signsEvery === undefined || at - state.unsignedSince <= 2 * state.signsEvery + slack) return
    state.signsEvery = undefined
    tell('unsigned', spot, `chain ${chain} goes on without the signature that was due`)
  }

  function comeLate(
    state: ChainState,
    { chain, seq }: Pick<RecordedEvent, 'chain' | 'seq'>,
    spot: Spot,
  ): void {
    tell(
      'reordered',
      spot,
      `number ${seq} of chain ${chain} comes after number ${state.seq}, ${writeSpot(state.spot)}`,
    )
    const index = state.gaps.findIndex(({ from, to }) => seq >= from && seq <= to)
    const gap = state.gaps[index]
    if (gap === undefined) return
    const parts = [
      { ...gap, to: seq - 1 },
      { ...gap, from: seq + 1 },
    ]
    state.gaps.splice(index, 1, ...parts.filter(({ from, to }) => from <= to))
  }

  function checkSeal(
    event: SealedEvent,
    line: string,
    { spot, state }: { spot: Spot; state: ChainState },
  ): void {
    const key = keys.get(event.kid ?? '')
    if (key === undefined) tell('unsigned', spot, `the key ${event.kid} is none of those that are trusted`)
    else if (!isSigned(line, key)) tell('changed', spot, 'its signature does not fit: it was changed')
    else {
      for (const place of promisesOf(event)) promised.push({ place, spot })
      if (event.seq === state.seq) {
        state.signedSeq = event.seq
        state.unsignedSince = undefined
        state.unsigned.clear()
        if (event.every !== undefined) state.signsEvery = event.every * 1000
      }
    }
    if (event.event === 'audit.end') state.ended = true
  }

  /**
   * A chain names the last events that existed when it began: the other chains must reach at least that far.
   */
  function checkPromise({ chain, seq, hash }: Place, spot: Spot): void {
    const state = chains.get(chain)
    if (state === undefined) {
      if (!(anchors.get(chain) ?? []).some((place) => place.seq >= seq))
        tell(
          'removed',
          spot,
          `chain ${chain} had come to number ${seq} when this was written, and nothing of it is here`,
        )
    } else if (state.seq < seq)
      tell(
        'removed',
        state.spot,
        `chain ${chain} ends here, and had come to number ${seq} when ${writeSpot(spot)} was written`,
      )
    else {
      const there = state.seq === seq ? state : state.unsigned.get(seq)
      if (there?.hash === hash) state.signedSeq = Math.max(state.signedSeq, seq)
      else if (there !== undefined)
        tell(
          'changed',
          there.spot,
          `number ${seq} of chain ${chain} is not what it was when ${writeSpot(spot)} was written`,
        )
    }
  }
}

interface SealedEvent extends RecordedEvent, PromisedPlaces {
  readonly kid?: string
  /** Seconds between signatures. */
  readonly every?: number
}

function isSealed({ event }: RecordedEvent): boolean {
  return event === 'audit.begin' || event === 'audit.checkpoint' || event === 'audit.end'
}

function lostOf(event: RecordedEvent): number {
  return Number((event as RecordedEvent & { lost?: unknown }).lost)
}

function numbers({ from, to }: { from: number; to: number }): string {
  return from === to ? `number ${from}` : `numbers ${from} to ${to}`
}

function are({ from, to }: { from: number; to: number }): string {
  return from === to ? 'is' : 'are'
}
