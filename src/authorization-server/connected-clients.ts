import type { Client, Provider } from 'oidc-provider'
import type { ResourceDirectory } from '../core/protected-resource.ts'
import { displayText } from '../http/page.ts'
import { displayedClientName } from './client-name.ts'
import { displayedHost } from './consent-warnings.ts'
import type { GrantRecord } from './grants.ts'
import type { ConnectedClient } from './pages/account-page.ts'
import { documentHost } from './registration/document-url.ts'

/** The clients of grants, each with all that it may do, the latest first. */
export async function connectedClients(
  provider: Provider,
  resources: ResourceDirectory,
  grants: readonly GrantRecord[],
): Promise<ConnectedClient[]> {
  const byClient = Map.groupBy(grants, ({ clientId }) => clientId)
  return Promise.all(
    [...byClient].map(async ([id, ofClient]) => {
      const client = await findClient(provider, id)
      return {
        id,
        name: client === undefined ? displayText(id) : displayedClientName(client),
        hosts: hostsOf(id, client),
        since: Math.min(...ofClient.map(({ grantedAt }) => grantedAt)),
        servers: serversOf(resources, ofClient),
      }
    }),
  )
}

/** A client that is gone, or whose description is out of reach, must still be shown, for its access to be ended. */
async function findClient(provider: Provider, id: string): Promise<Client | undefined> {
  try {
    return await provider.Client.find(id)
  } catch {
    return undefined
  }
}

function hostsOf(id: string, client: Client | undefined): string[] {
  const redirects = (client?.redirectUris ?? []).flatMap((uri) => URL.parse(uri) ?? [])
  return [...new Set([documentHost(id) ?? [], redirects.map(displayedHost)].flat())]
}

function serversOf(resources: ResourceDirectory, grants: readonly GrantRecord[]): ConnectedClient['servers'] {
  const scopes = new Map<string, Set<string>>()
  for (const { resources: granted } of grants) {
    for (const [resource, some] of Object.entries(granted)) {
      scopes.set(resource, new Set([...(scopes.get(resource) ?? []), ...some]))
    }
  }
  return [...scopes].map(([resource, all]) => ({
    name: resources.find(resource)?.name ?? resource,
    scopes: [...all],
  }))
}
