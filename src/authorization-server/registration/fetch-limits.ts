import type { KoaContextWithOIDC } from 'oidc-provider'
import { callerNetwork } from '../caller-address.ts'
import type { AuthorizationServerSettings } from '../settings.ts'

const perMinute = { network: 60, host: 120, everybody: 600, client: 30 }

/** Bounds what is fetched for clients. */
interface FetchLimit {
  /**
   * Asks for a fetch for a client, where it is known for which. Resolves to 0, or to the whole seconds to wait. Untrusted
   * input.
   */
  admit(url: string, clientId: string | undefined, context?: KoaContextWithOIDC): Promise<number>
  /** Counts a fetch that is made. Resolves to whether it is for a client that somebody let in. */
  count(clientId: string | undefined): Promise<boolean>
}

/**
 * Bounds what strangers have fetched: a share for each of their networks, so that none uses up what is there for all,
 * and one for each host, so that nobody is flooded from here. `what` is fetched, and counts apart from all else.
 *
 * Where strangers have used up what is there for all, a client that somebody let in goes on with a share of its own. Only
 * fetches that are made count there: whoever asks in its name while one is running takes nothing away.
 */
export function fetchLimit(
  { rateLimit, artifacts }: Pick<AuthorizationServerSettings, 'rateLimit' | 'artifacts'>,
  what: string,
): FetchLimit {
  const ofNetwork = rateLimit({ name: `${what}-for-network`, points: perMinute.network, seconds: 60 })
  const ofHost = rateLimit({ name: `${what}-from-host`, points: perMinute.host, seconds: 60 })
  const ofAll = rateLimit({ name: what, points: perMinute.everybody, seconds: 60 })
  const ofClient = rateLimit({ name: `${what}-for-client`, points: perMinute.client, seconds: 60 })
  const isLetIn = (clientId: string): Promise<boolean> => artifacts.hasOfClient('Grant', clientId)
  return {
    async admit(url, clientId, context) {
      const alone = await ofNetwork.take(callerNetwork(context?.req))
      if (alone > 0) return alone
      const shared = (await ofHost.take(new URL(url).hostname)) || (await ofAll.take('all'))
      if (shared === 0 || clientId === undefined || !(await isLetIn(clientId))) return shared
      return ofClient.wait(clientId)
    },
    async count(clientId) {
      // The library would take a fault of the store for one of the client. Whoever needs the store next tells of it.
      if (clientId === undefined || !(await isLetIn(clientId).catch(() => false))) return false
      await ofClient.take(clientId)
      return true
    },
  }
}
