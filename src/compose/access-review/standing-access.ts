import { accessKey, type Decisions } from '../../audit/report/collect.ts'
import type { StandingAccess } from '../../audit/report/review.ts'
import { grants } from '../../authorization-server/tokens/grants.ts'
import type { Config } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import { ScopeCatalogue } from '../../core/scope-catalogue.ts'
import type { Store } from '../../storage/contract.ts'
import { knownClients } from './parties.ts'

interface StandingPorts {
  readonly config: Config
  readonly store: Store
  readonly clock: Clock
  readonly servers: readonly { readonly name: string; readonly resource: string }[]
  readonly decisions: Decisions
}

interface Standing {
  readonly access: readonly StandingAccess[]
  /** The clients that users gave something to, however these clients are known. */
  readonly clientIds: ReadonlySet<string>
  readonly hasMore: boolean
}

/** As many as a page can show and a reader can take in. */
const mostGrants = 50_000

/**
 * What users have granted and what machines may do on their own, with the time of its last use on that
 * server.
 */
export async function standingAccess({
  config,
  store,
  clock,
  servers,
  decisions,
}: StandingPorts): Promise<Standing> {
  const found = await grants({ ...store, clock }).listAll(mostGrants)
  const names = new Map(servers.map(({ name, resource }) => [resource, name]))
  const withUse = (access: Omit<StandingAccess, 'usedAt'>): StandingAccess => {
    const upstream = names.get(access.resource)
    const usedAt = upstream === undefined ? undefined : decisions.used.get(accessKey({ ...access, upstream }))
    return { ...access, usedAt }
  }
  const people = found.flatMap(({ accountId: subject, clientId, grantedAt: since, resources }) =>
    Object.entries(resources).map(([resource, scopes]) =>
      withUse({ subject, clientId, resource, scopes, since }),
    ),
  )
  const everything = new ScopeCatalogue(config.scopes).names
  const machines = (await knownClients({ config, store, clock }))
    .filter(({ grantTypes, isBlocked }) => grantTypes.includes('client_credentials') && !isBlocked)
    .flatMap(({ id, scopes = everything, servers: only, since }) =>
      servers
        .filter(({ name }) => only?.includes(name) !== false)
        .map(({ resource }) => withUse({ subject: id, clientId: id, resource, scopes, since })),
    )
  return {
    access: [...machines, ...people],
    clientIds: new Set(found.map(({ clientId }) => clientId)),
    hasMore: found.length === mostGrants,
  }
}
