import { networkOf } from '../core/network.ts'
import type { OpenRateLimit, RateLimit } from '../limits/contract.ts'

/** How many logins may fail before no more are checked, whatever accounts they are for. */
export interface LoginLimits {
  /** Counts an attempt. Resolves to the seconds to wait if there were too many, else undefined. */
  admit(address: string): Promise<number | undefined>
  /** The same for a known browser, whatever comes from elsewhere. */
  admitKnown(browser: string): Promise<number | undefined>
  /** The attempt succeeded, so it does not count. */
  forgive(address: string): Promise<void>
  forgiveKnown(browser: string): Promise<void>
}

/** Many people can share one address, and a machine does not need more than one address to guess. */
const forAddress = { name: 'failed-logins-from-address', points: 50, seconds: 15 * 60 }
/** Guessing from many addresses at once: a hundred times what users mistype. */
const forAll = { name: 'failed-logins', points: 1000, seconds: 5 * 60 }
const forKnownBrowser = { name: 'failed-logins-in-browser', points: 10, seconds: 15 * 60 }
const everybody = 'all'

/** Counts failed logins by source network and in total. `limit` opens the counters. */
export function loginLimits(limit: OpenRateLimit): LoginLimits {
  const networks = limit(forAddress)
  const all = limit(forAll)
  const browsers = limit(forKnownBrowser)
  const take = async (limited: RateLimit, key: string): Promise<number | undefined> =>
    (await limited.take(key)) || undefined
  return {
    admit: async (address) => (await take(networks, networkOf(address))) ?? take(all, everybody),
    admitKnown: (browser) => take(browsers, browser),
    forgiveKnown: (browser) => browsers.forgive(browser),
    async forgive(address) {
      await networks.forgive(networkOf(address))
      await all.forgive(everybody)
    },
  }
}
