import { networkOf } from '../core/network.ts'
import { rateLimit } from '../http/rate-limit.ts'

/** Bounds how often an address may guess user codes (RFC 8628 section 5.1). */
export interface UserCodeAttempts {
  /** Counts an attempt. Resolves to false where there were too many wrong ones. */
  begin(address: string): Promise<boolean>
  /** The code was right, so the attempt does not count. */
  forgive(address: string): Promise<void>
}

/** Counts in this process alone: with several of them an attacker gets as many times the attempts, out of 20^8 codes. */
export function userCodeAttempts(): UserCodeAttempts {
  const limit = rateLimit({ points: 10, seconds: 600 })
  return {
    begin: async (address) => (await limit.take(networkOf(address))) === 0,
    forgive: (address) => limit.forgive(networkOf(address)),
  }
}
