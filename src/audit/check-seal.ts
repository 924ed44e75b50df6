import type { Place } from './chain.ts'
import type { RecordedEvent } from './event.ts'
import type { Spot, Tell } from './findings.ts'
import type { ChainState } from './follow-chains.ts'
import { type PromisedPlaces, promisesOf } from './last-places.ts'
import { isSigned, type TrailKeys } from './signature.ts'

/** An event that ends with a signature of everything before it in its chain. */
interface SealedEvent extends RecordedEvent, PromisedPlaces {
  readonly kid?: string
  /** Seconds between signatures. */
  readonly every?: number
}

/** The line of an event, where it stands, and its chain so far, up to this event. */
interface Followed {
  readonly line: string
  readonly spot: Spot
  readonly state: ChainState
}

/** A busy machine signs late. */
const slack = 60_000

/** Whether an event ends with a signature. */
export function isSealed({ event }: RecordedEvent): boolean {
  return event === 'audit.begin' || event === 'audit.checkpoint' || event === 'audit.end'
}

/**
 * Checks the signature of an event, and notes in its chain what is signed by now. Returns the places that the
 * event promises, none if its signature proves nothing.
 */
export function checkSeal(
  event: SealedEvent,
  { line, spot, state }: Followed,
  { keys, tell }: { readonly keys: TrailKeys; readonly tell: Tell },
): readonly Place[] {
  if (event.event === 'audit.end') state.ended = true
  const key = keys.get(event.kid ?? '')
  if (key === undefined) {
    tell('unsigned', spot, `the key ${event.kid} is none of those that are trusted`)
    return []
  }
  if (!isSigned(line, key)) {
    tell('changed', spot, 'its signature does not fit: it was changed')
    return []
  }
  // Otherwise it came late, and is not the last one of its chain.
  if (event.seq === state.seq) {
    state.signedSeq = event.seq
    state.unsignedSince = undefined
    state.unsigned.clear()
    if (event.every !== undefined) state.signsEvery = event.every * 1000
  }
  return promisesOf(event)
}

/**
 * Signatures come at regular intervals, so events that continue without one were made up, or their signature
 * was removed.
 */
export function checkDue({ chain, time }: RecordedEvent, { spot, state }: Followed, tell: Tell): void {
  const at = Date.parse(time)
  state.unsignedSince ??= at
  if (state.signsEvery === undefined || at - state.unsignedSince <= 2 * state.signsEvery + slack) return
  state.signsEvery = undefined
  tell('unsigned', spot, `chain ${chain} goes on without the signature that was due`)
}
