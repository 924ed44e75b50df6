import type { AnchoredPlaces } from './anchors.ts'
import type { Place } from './chain.ts'
import type { RecordedEvent } from './event.ts'
import { type Finding, type Spot, type Tell, writeSpot } from './findings.ts'
import { type ChainState, followChains } from './follow-chains.ts'
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

const maxFindings = 1000
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
  const promised: { place: Place; spot: Spot }[] = []
  const findings: Finding[] = []
  let found = 0
  let events = 0
  const tell: Tell = (kind, { source, line }, message) => {
    if (found++ < maxFindings) findings.push({ kind, source, line, message })
  }
  const { states, follow, tellOfGaps } = followChains(anchors, tell)

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
      // Otherwise it came late, and is not the last one of its chain.
      if (event.seq === state.seq) state.unsigned.set(event.seq, { hash: state.hash, spot })
      if (isSealed(event)) checkSeal(event, line, { spot, state })
      else checkDue(event, spot, state)
      if (event.event === 'audit.gap')
        tell('lost', spot, `${lostOf(event)} events were never written: there was no room for them to wait`)
    }
    onProgress?.({ events, bytes })
  }
  tellOfGaps()
  for (const { place, spot } of promised) checkPromise(place, spot)
  const all = [...states.values()]
  return {
    events,
    chains: all.length,
    findings,
    more: Math.max(0, found - findings.length),
    unsealed: all.reduce((sum, { seq, signedSeq }) => sum + seq - signedSeq, 0),
    heads: [...states].map(([chain, { seq, hash }]) => ({ chain, seq, hash })),
    open: all.filter(({ ended }) => !ended).length,
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
    const state = states.get(chain)
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
