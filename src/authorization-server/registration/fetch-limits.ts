import type { KoaContextWithOIDC } from 'oidc-provider'
import { callerNetwork } from '../caller-address.ts'
import type { AuthorizationServerSettings } from '../settings.ts'

const perMinute = { network: 60, host: 120, everybody: 600, client: 30 }

/** Limits what is fetched for clients. */
interface FetchLimit {
  /**
   * Asks whether to fetch, for a client if it is known. Resolves to 0, or to the whole seconds to wait.
   * Untrusted input.
   */
  admit(url: string, clientId: string | undefined, context?: KoaContextWithOIDC): Promise<number>
  /** Counts a fetch that is made. Resolves to whether it is for an approved client. */
  count(clientId: string | undefined): Promise<boolean>
}

/**
 * Limits what strangers cause to be fetched: a share for each of their networks, so that none uses up the
 * total, and one for each host, so that nobody is flooded from here. `what` is fetched, and is counted
 * separately from everything else.
 *
 * When strangers have used up the total, an approved client goes on with a share of its own. Only fetches
 * that are actually made count there, so whoever asks in its name while one is running takes nothing away.
 */
export function fetchLimit(
  { rateLimit, artifacts }: Pick<AuthorizationServerSettings, 'rateLimit' | 'artifacts'>,
  what: string,
): FetchLimit {
  const ofNetwork = rateLimit({ name: `${what}-for-network`, points: perMinute.network, seconds: 60 })
  const ofHost = rateLimit({ name: `${what}-from-host`, points: perMinute.host, seconds: 60 })
  const ofAll = rateLimit({ name: what, points: perMinute.everybody, seconds: 60 })
  const ofClient = rateLimit({ name: `${what}-for-client`, points: perMinute.client, seconds: 60 })
  const isApproved = (clientId: string): Promise<boolean> => artifacts.hasOfClient('Grant', clientId)
  return {
    async admit(url, clientId, context) {
      const waitOfNetwork = await ofNetwork.take(callerNetwork(context?.req))
      if (waitOfNetwork > 0) return waitOfNetwork
      const wait = (await ofHost.take(new URL(url).hostname)) || (await ofAll.take('all'))
      if (wait === 0 || clientId === undefined || !(await isApproved(clientId))) return wait
      return ofClient.wait(clientId)
    },
    async count(clientId) {
      // The library would take a storage error for the client's error. The next one who needs the store
      // reports it.
      if (clientId === undefined || !(await isApproved(clientId).catch(() => false))) return false
      await ofClient.take(clientId)
      return true
    },
  }
}
