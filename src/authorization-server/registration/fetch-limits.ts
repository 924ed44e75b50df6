import type { KoaContextWithOIDC } from 'oidc-provider'
import type { OpenRateLimit } from '../../limits/contract.ts'
import { callerAddress } from './slow-down.ts'

const perMinute = { network: 60, host: 120, everybody: 600 }

/**
 * Bounds what strangers have fetched: a share for each of their networks, so that none uses up what is there for all,
 * and one for each host, so that nobody is flooded from here. `what` is fetched, and counts apart from all else. Resolves to
 * 0, or to the whole seconds to wait.
 */
export function fetchLimit(
  rateLimit: OpenRateLimit,
  what: string,
): (url: string, context?: KoaContextWithOIDC) => Promise<number> {
  const ofNetwork = rateLimit({ name: `${what}-for-network`, points: perMinute.network, seconds: 60 })
  const ofHost = rateLimit({ name: `${what}-from-host`, points: perMinute.host, seconds: 60 })
  const ofAll = rateLimit({ name: what, points: perMinute.everybody, seconds: 60 })
  return async (url, context) =>
    (await ofNetwork.take(callerAddress(context?.req))) ||
    (await ofHost.take(new URL(url).hostname)) ||
    ofAll.take('all')
}
