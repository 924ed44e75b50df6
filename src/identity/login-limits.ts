import { isIPv6 } from 'node:net'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'

/** How many logins may fail before no more are looked at, whatever accounts they are for. Kept in this process. */
export interface LoginLimits {
  /** Counts an attempt. Resolves to the seconds to wait where there were too many, else undefined. */
  admit(address: string): Promise<number | undefined>
  /** The same for a browser that is known, whatever comes from elsewhere. */
  admitKnown(browser: string): Promise<number | undefined>
  /** The attempt succeeded, so it does not count. */
  forgive(address: string): Promise<void>
  forgiveKnown(browser: string): Promise<void>
}

/** Many people can share one address, and a machine does not need more than one address to guess. */
const forAddress = { points: 50, duration: 15 * 60 }
/** Guessing from many addresses at once: a hundred times what people mistype. */
const forAll = { points: 1000, duration: 5 * 60 }
const forKnownBrowser = { points: 10, duration: 15 * 60 }
const everybody = 'all'

/** Counts failed logins by address and altogether. */
export function loginLimits(): LoginLimits {
  const addresses = new RateLimiterMemory(forAddress)
  const all = new RateLimiterMemory(forAll)
  const browsers = new RateLimiterMemory(forKnownBrowser)
  return {
    async admit(address) {
      return (await tryConsume(addresses, networkOf(address))) ?? (await tryConsume(all, everybody))
    },
    admitKnown: (browser) => tryConsume(browsers, browser),
    async forgiveKnown(browser) {
      await browsers.reward(browser)
    },
    async forgive(address) {
      await addresses.reward(networkOf(address))
      await all.reward(everybody)
    },
  }
}

async function tryConsume(limiter: RateLimiterMemory, key: string): Promise<number | undefined> {
  try {
    await limiter.consume(key)
    return undefined
  } catch (refusal) {
    if (refusal instanceof RateLimiterRes) return Math.max(1, Math.ceil(refusal.msBeforeNext / 1000))
    throw refusal
  }
}

/** Whoever has one IPv6 address has all of its /64. */
function networkOf(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address
  const [head = '', tail = ''] = address.split('::')
  const groups = head.split(':').filter(Boolean)
  const after = tail.split(':').filter(Boolean)
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - after.length) }, () => '0')
  return [...groups, ...zeros, ...after].slice(0, 4).join(':')
}
