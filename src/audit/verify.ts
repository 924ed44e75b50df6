import type { AnchoredPlaces } from './anchors.ts'
import type { Place } from './chain.ts'
import { checkPromise, type PromisedPlace } from './check-promise.ts'
import { checkDue, checkSeal, isSealed } from './check-seal.ts'
import type { RecordedEvent } from './event.ts'
import type { Finding, Tell } from './findings.ts'
import { followChains } from './follow-chains.ts'
import { readEvent } from './read-event.ts'
import type { Lines } from './read-lines.ts'
import type { TrailKeys } from './signature.ts'
import { otherLines } from './torn-lines.ts'

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
  /** The time of the latest event, in ISO 8601; empty if there is none. */
  readonly latest: string
  /** Events of which only the beginning was written: their process was killed, or the machine stopped. */
  readonly torn: number
}

interface VerifyOptions {
  readonly keys: TrailKeys
  /** Where chains continue whose beginning was pruned. */
  readonly anchors: AnchoredPlaces
  readonly onProgress?: ((progress: { readonly events: number; readonly bytes: number }) => void) | undefined
}

const maxFindings = 1000

/**
 * Verifies lines as they come, in memory that grows with the number of chains and of their unsigned events.
 * Lines are untrusted.
 */
export async function verifyTrail(
  batches: AsyncIterable<Lines>,
  { keys, anchors, onProgress }: VerifyOptions,
): Promise<Verification> {
  const promised: PromisedPlace[] = []
  const findings: Finding[] = []
  let found = 0
  let events = 0
  let latest = ''
  const tell: Tell = (kind, { source, line }, message) => {
    if (found++ < maxFindings) findings.push({ kind, source, line, message })
  }
  const { states, follow, isNext, tellOfGaps } = followChains(anchors, tell)
  const others = otherLines(isNext, tell)

  for await (const { source, first, lines, bytes, isUnfinished = false } of batches) {
    for (const [index, line] of lines.entries()) {
      // A process that opens the file while another one writes may complete a line that was only torn at that
      // moment.
      if (line === '') continue
      const spot = { source, line: first + index }
      const event = readEvent(line)
      if (event === undefined) {
        if (!isUnfinished) others.read(line, spot)
        continue
      }
      events++
      if (event.time > latest) latest = event.time
      const state = follow(event, line, spot)
      others.follow(event.chain)
      // Otherwise it came late, and is not the last one of its chain.
      if (event.seq === state.seq) state.unsigned.set(event.seq, { hash: state.hash, spot })
      const followed = { line, spot, state }
      if (!isSealed(event)) checkDue(event, followed, tell)
      else for (const place of checkSeal(event, followed, { keys, tell })) promised.push({ place, spot })
      if (event.event === 'audit.gap')
        tell('lost', spot, `${lostOf(event)} events were never written: there was no room for them to wait`)
    }
    onProgress?.({ events, bytes })
  }
  tellOfGaps()
  for (const promise of promised) checkPromise(promise, { states, anchors, tell })
  const all = [...states.values()]
  return {
    events,
    chains: all.length,
    findings,
    more: Math.max(0, found - findings.length),
    unsealed: all.reduce((sum, { seq, signedSeq }) => sum + seq - signedSeq, 0),
    heads: [...states].map(([chain, { seq, hash }]) => ({ chain, seq, hash })),
    open: all.filter(({ ended }) => !ended).length,
    latest,
    torn: others.torn,
  }
}

function lostOf(event: RecordedEvent): number {
  return Number((event as RecordedEvent & { lost?: unknown }).lost)
}
