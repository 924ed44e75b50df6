import { setImmediate as endOfTurn } from 'node:timers/promises'
import type { Client, Provider } from 'oidc-provider'
import { displayText } from '../../core/display-text.ts'
import type { ResourceDirectory } from '../../core/protected-resource.ts'
import type { RememberedScope } from '../../storage/consent-contract.ts'
import { displayedHost } from '../consent/consent-warnings.ts'
import { errors } from '../library/library.ts'
import type { ConnectedClient } from '../pages/account-page.ts'
import { displayedClientName } from '../registration/client-name.ts'
import { documentHost } from '../registration/document-url.ts'
import { DocumentOutOfReach, findClient } from '../registration/find-client.ts'
import type { GrantRecord } from '../tokens/grants.ts'

interface Access {
  readonly standing: readonly GrantRecord[]
  readonly remembered: readonly RememberedScope[]
}

/** How many clients are looked up at a time, since somebody may have connected thousands. */
const clientsInTurn = 64

/**
 * The clients with grants, each with everything that it may do, latest first; then those without a grant that
 * would get one without asking.
 */
export async function connectedClients(
  provider: Provider,
  resources: ResourceDirectory,
  { standing, remembered }: Access,
): Promise<ConnectedClient[]> {
  const granted = Map.groupBy(standing, ({ clientId }) => clientId)
  const unasked = Map.groupBy(remembered, ({ clientId }) => clientId)
  const describe = async (id: string): Promise<ConnectedClient> => {
    const [ofClient, scopes] = [granted.get(id) ?? [], unasked.get(id) ?? []]
    const client = await findIfUsable(provider, id)
    return {
      id,
      name: client === undefined ? displayText(id) : displayedClientName(client),
      hosts: hostsOf(id, client),
      since: least(ofClient.map(({ grantedAt }) => grantedAt)),
      unaskedUntil: most(scopes.map(({ expiresAt }) => expiresAt)),
      servers: serversOf(resources, ofClient, scopes),
    }
  }
  const ids = [...new Set([...granted.keys(), ...unasked.keys()])]
  const clients: ConnectedClient[] = []
  for (let from = 0; from < ids.length; from += clientsInTurn) {
    if (from > 0) await endOfTurn()
    clients.push(...(await Promise.all(ids.slice(from, from + clientsInTurn).map(describe))))
  }
  return clients
}

/**
 * A client that is gone, whose document is out of reach, or whose registration is no longer allowed must still
 * be shown, so that its access can be ended.
 */
async function findIfUsable(provider: Provider, id: string): Promise<Client | undefined> {
  try {
    return await findClient(provider, id)
  } catch (error) {
    if (error instanceof DocumentOutOfReach || error instanceof errors.InvalidClientMetadata) return undefined
    throw error
  }
}

function hostsOf(id: string, client: Client | undefined): string[] {
  const redirects = (client?.redirectUris ?? []).flatMap((uri) => URL.parse(uri) ?? [])
  return [...new Set([documentHost(id) ?? [], redirects.map(displayedHost)].flat())]
}

function least(times: readonly number[]): number | undefined {
  return times.length === 0 ? undefined : Math.min(...times)
}

function most(times: readonly number[]): number | undefined {
  return times.length === 0 ? undefined : Math.max(...times)
}

function serversOf(
  resources: ResourceDirectory,
  grants: readonly GrantRecord[],
  remembered: readonly RememberedScope[],
): ConnectedClient['servers'] {
  const granted = [
    ...grants.flatMap((grant) => Object.entries(grant.resources)),
    ...remembered.map(({ resource, scope }) => [resource, [scope]] as const),
  ]
  const scopes = new Map<string, Set<string>>()
  for (const [resource, some] of granted) {
    scopes.set(resource, new Set([...(scopes.get(resource) ?? []), ...some]))
  }
  return [...scopes].map(([resource, all]) => ({
    name: resources.find(resource)?.name ?? resource,
    scopes: [...all],
  }))
}
