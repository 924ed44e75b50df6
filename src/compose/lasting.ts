import {
  type AuthorizationServerProxy,
  authorizationServerProxy,
} from '../gateway/authorization-server-proxy.ts'
import { type DenyList, openDenyList } from '../gateway/deny-list.ts'
import { type IdentityTokens, identityTokens } from '../gateway/identity-token.ts'
import { identityKeysPath } from '../gateway/routes.ts'
import type { Base } from './base.ts'
import { type Owners, openOwners } from './owners.ts'

/** What gateways that follow one another have in common, whatever the configuration. */
export interface Lasting {
  readonly denyList: DenyList
  readonly identity: IdentityTokens
  /** Set in a worker. */
  readonly owners: Owners | undefined
  /** Undefined where clients get their tokens elsewhere. */
  readonly authorizationServer: AuthorizationServerProxy | undefined
  /** How many requests of each caller and for each server run. */
  readonly running: Map<string, number>
  close(): Promise<void>
}

/** The issuer of identity tokens is the gateway's own, so that no verifier can take one for an access token. */
const identityIssuerSuffix = identityKeysPath.slice(0, identityKeysPath.lastIndexOf('/'))

/** Opens it, in front of an authorization server at a URL that is known by the first request, or of none. */
export async function openLasting(
  base: Base,
  authorizationServerUrl: (() => string) | undefined,
): Promise<Lasting> {
  const { clock, site, place, onFault } = base
  const { url: issuer } = site
  const denyList = await openDenyList({ feed: base.store.revocations, issuer, clock, onFault })
  const owners = place && (await openOwners(place, onFault))
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
    running: new Map(),
    async close() {
      denyList.close()
      await owners?.close()
      await authorizationServer?.close()
    },
  }
}
