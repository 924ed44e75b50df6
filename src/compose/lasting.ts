import {
  type AuthorizationServerProxy,
  authorizationServerProxy,
} from '../gateway/authorization-server-proxy.ts'
import { type IdentityTokens, identityTokens } from '../gateway/identity-token.ts'
import { type Listeners, openListeners } from '../gateway/listeners.ts'
import { identityKeysPath } from '../gateway/routes.ts'
import { type DenyList, openDenyList } from '../gateway/token/deny-list.ts'
import type { Base } from './base.ts'
import { type Owners, openOwners } from './owners.ts'

/** What successive gateways share, whatever their configuration. */
export interface Lasting {
  readonly denyList: DenyList
  readonly identity: IdentityTokens
  /** Set in a worker. */
  readonly owners: Owners | undefined
  /** Undefined if clients get their tokens elsewhere. */
  readonly authorizationServer: AuthorizationServerProxy | undefined
  readonly listeners: Listeners
  /** How many requests of each caller and for each server are running. */
  readonly running: Map<string, number>
  close(): Promise<void>
}

/** Identity tokens have the gateway's own issuer, so that no verifier can take one for an access token. */
const identityIssuerSuffix = identityKeysPath.slice(0, identityKeysPath.lastIndexOf('/'))

/**
 * Opens it, either without an authorization server, or in front of one whose URL is known by the time of the
 * first request.
 */
export async function openLasting(
  base: Base,
  authorizationServerUrl: (() => string) | undefined,
): Promise<Lasting> {
  const { clock, pulse, site, place, onFault } = base
  const { url: issuer } = site
  const denyList = await openDenyList({ feed: base.store.revocations, issuer, clock, onFault, pulse })
  const owners =
    place &&
    (await openOwners(place, onFault).catch((error: unknown) => {
      denyList.close()
      throw error
    }))
  const authorizationServer =
    authorizationServerUrl &&
    authorizationServerProxy({
      url: authorizationServerUrl,
      publicHost: new URL(issuer).host,
      changes: place !== undefined,
    })
  return {
    denyList,
    identity: identityTokens(issuer + identityIssuerSuffix, base.identityKeys, clock),
    owners,
    authorizationServer,
    listeners: openListeners(),
    running: new Map(),
    async close() {
      denyList.close()
      await owners?.close()
      await authorizationServer?.close()
    },
  }
}
