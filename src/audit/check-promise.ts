import type { AnchoredPlaces } from './anchors.ts'
import type { Place } from './chain.ts'
import { type Spot, type Tell, writeSpot } from './findings.ts'
import type { ChainState } from './follow-chains.ts'

/** A place that existed before a signed event was written, and where that event stands. */
export interface PromisedPlace {
  readonly place: Place
  readonly spot: Spot
}

interface ReadTrail {
  readonly states: ReadonlyMap<string, ChainState>
  readonly anchors: AnchoredPlaces
  readonly tell: Tell
}

/**
 * Compares a chain, after all of it was read, with a place that it had reached before: it must reach at least
 * that far, and be what it was there. What the promise proves counts as signed.
 */
export function checkPromise({ place, spot }: PromisedPlace, { states, anchors, tell }: ReadTrail): void {
  const { chain, seq, hash } = place
  const state = states.get(chain)
  if (state === undefined) {
    const isPruned = (anchors.get(chain) ?? []).some((anchored) => anchored.seq >= seq)
    if (isPruned) return
    tell(
      'removed',
      spot,
      `chain ${chain} had come to number ${seq} when this was written, and nothing of it is here`,
    )
    return
  }
  if (state.seq < seq) {
    tell(
      'removed',
      state.spot,
      `chain ${chain} ends here, and had come to number ${seq} when ${writeSpot(spot)} was written`,
    )
    return
  }
  const there = state.seq === seq ? state : state.unsigned.get(seq)
  if (there === undefined) return
  if (there.hash === hash) state.signedSeq = Math.max(state.signedSeq, seq)
  else
    tell(
      'changed',
      there.spot,
      `number ${seq} of chain ${chain} is not what it was when ${writeSpot(spot)} was written`,
    )
}
