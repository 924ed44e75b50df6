import type { Clock } from '../../core/clock.ts'
import { keyedDigest, secretsEqual } from '../../core/secret.ts'

/**
 * Nonces that clients put into their DPoP proofs (RFC 9449 section 9). Nothing is stored: replicas share
 * the key.
 */
export interface ProofNonces {
  /** The nonce to hand out now. */
  current(): string
  /** Whether a nonce was handed out in the last few minutes. Untrusted input. */
  accepts(nonce: string): boolean
}

const stepMilliseconds = 60_000
/** One step ahead, for a replica whose clock is ahead, and five minutes back. */
const acceptedSteps = [0, -1, -2, -3, -4, 1]

/** Derives nonces from a key and the time. */
export function proofNonces(key: Uint8Array, clock: Clock): ProofNonces {
  const digest = keyedDigest(key)
  const nonceOf = (offset: number): string =>
    digest(String(Math.floor(clock.now() / stepMilliseconds) + offset))
  return {
    current: () => nonceOf(0),
    accepts: (nonce) => acceptedSteps.some((offset) => secretsEqual(nonce, nonceOf(offset))),
  }
}
