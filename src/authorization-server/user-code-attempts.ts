import ipaddr from 'ipaddr.js'
import { RateLimiterMemory } from 'rate-limiter-flexible'

/** Bounds how often an address may guess user codes (RFC 8628 section 5.1). */
export interface UserCodeAttempts {
  /** Counts an attempt. Resolves to false where there were too many wrong ones. */
  begin(address: string): Promise<boolean>
  /** The code was right, so the attempt does not count. */
  forgive(address: string): Promise<void>
}

const attempts = 10
const durationSeconds = 600

/** Counts in this process alone: with several of them an attacker gets as many times the attempts, out of 20^8 codes. */
export function userCodeAttempts(): UserCodeAttempts {
  const limiter = new RateLimiterMemory({ points: attempts, duration: durationSeconds })
  return {
    async begin(address) {
      const { consumedPoints } = (await limiter.penalty(networkOf(address), 1)) ?? { consumedPoints: 0 }
      return consumedPoints <= attempts
    },
    async forgive(address) {
      await limiter.reward(networkOf(address), 1)
    },
  }
}

/** An IPv6 network belongs to one subscriber, who may use each of its addresses. */
function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  return parsed.kind() === 'ipv6' ? parsed.toByteArray().slice(0, 8).join('.') : parsed.toString()
}
