import { networkOf } from '../../core/network.ts'
import type { OpenRateLimit } from '../../limits/contract.ts'

/** Limits how often an address may guess user codes (RFC 8628 section 5.1). */
export interface UserCodeAttempts {
  /** Counts an attempt. Resolves to false if there were too many wrong ones. */
  begin(address: string): Promise<boolean>
  /** The code was right, so the attempt does not count. */
  forgive(address: string): Promise<void>
}

/**
 * Counts attempts by network. If processes count separately, an attacker gets that many times more attempts,
 * out of 20^8 codes.
 */
export function userCodeAttempts(rateLimit: OpenRateLimit): UserCodeAttempts {
  const limit = rateLimit({ name: 'user-codes', points: 10, seconds: 600 })
  return {
    begin: async (address) => (await limit.take(networkOf(address))) === 0,
    forgive: (address) => limit.forgive(networkOf(address)),
  }
}
