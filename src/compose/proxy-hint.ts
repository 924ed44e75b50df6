import type { ProxyHint } from '../http/client-address.ts'
import type { Log } from '../telemetry/log.ts'

/** Logs once per process that there may be a proxy in front that `trustedProxies` does not name. */
export function openProxyHint({ logger }: Pick<Log, 'logger'>): ProxyHint {
  let isWanted = true
  return {
    get isWanted() {
      return isWanted
    },
    give(header, peer) {
      isWanted = false
      logger.warn(
        { header, peer },
        `${header} comes from ${peer}, which trustedProxies does not name: where that is a proxy of yours, all its clients count as one`,
      )
    },
  }
}
