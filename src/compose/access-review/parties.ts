import type { ReviewedClient, ReviewedUser } from '../../audit/report/review.ts'
import { blockedClients } from '../../authorization-server/registration/blocked-clients.ts'
import {
  allowedScopesField,
  allowedUpstreamsField,
} from '../../authorization-server/registration/client-fields.ts'
import type { Config } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import { displayText } from '../../core/display-text.ts'
import { signsInAt, userState } from '../../identity/user-state.ts'
import type { Store } from '../../storage/contract.ts'

interface KnownClient extends ReviewedClient {
  /** Milliseconds since the epoch; undefined for one from the configuration. */
  readonly since: number | undefined
  /** Whether an operator has blocked it, so that it gets no tokens. */
  readonly isBlocked: boolean
}

interface ClientPorts {
  readonly config: Pick<Config, 'clients'>
  readonly store: Store
  readonly clock: Clock
}

/** The users with an account here, including those confirmed by a provider. */
export async function reviewUsers(store: Store): Promise<ReviewedUser[]> {
  const [users, facts] = await Promise.all([store.users.list(), store.identities.listFacts()])
  return users.map((user) => {
    const { groups = [], roles = [] } = facts.get(user.id) ?? {}
    return {
      id: user.id,
      name: `${displayText(user.name)} (${displayText(user.displayName)})`,
      provider: user.provider === undefined ? undefined : signsInAt(user),
      groups: groups.map((group) => displayText(group)),
      roles: roles.map((role) => displayText(role)),
      state: userState(user),
    }
  })
}

/**
 * The clients in the configuration and the store, and those with a document of their own that users have
 * approved.
 */
export async function reviewClients(
  ports: ClientPorts,
  letIn: ReadonlySet<string>,
): Promise<ReviewedClient[]> {
  const known = await knownClients(ports)
  const ids = new Set(known.map(({ id }) => id))
  const others = [...letIn].filter((id) => !ids.has(id)).toSorted()
  return [
    ...known,
    ...others.map((id) => ({
      id,
      name: id,
      grantTypes: ['authorization_code'],
      scopes: undefined,
      servers: undefined,
      state: /^https?:/.test(id) ? 'by its metadata document' : 'not there any more',
    })),
  ]
}

/** The clients in the configuration and the store. */
export async function knownClients({
  config: { clients },
  store,
  clock,
}: ClientPorts): Promise<KnownClient[]> {
  const kept = await store.clients.list()
  const blocked = new Set((await blockedClients({ ...store, clock }).list()).map(({ id }) => id))
  const known: readonly Omit<KnownClient, 'isBlocked'>[] = [
    ...clients.map(({ id, name = id, grantTypes, scopes, upstreams: servers }) => ({
      id,
      name,
      grantTypes,
      scopes,
      servers,
      state: 'of the configuration',
      since: undefined,
    })),
    ...kept.map(({ id, metadata, source, createdAt: since }) => ({
      id,
      name: displayText(typeof metadata['client_name'] === 'string' ? metadata['client_name'] : id),
      grantTypes: textsOf(metadata['grant_types']) ?? ['authorization_code'],
      scopes: textsOf(metadata[allowedScopesField]),
      servers: textsOf(metadata[allowedUpstreamsField]),
      state: source === 'operator' ? 'registered by an operator' : 'registered itself',
      since,
    })),
  ]
  return known.map((client) =>
    blocked.has(client.id)
      ? { ...client, state: `${client.state}, blocked`, isBlocked: true }
      : { ...client, isBlocked: false },
  )
}

/** What a client says about itself is validated when it registers; here only lists of strings are shown. */
function textsOf(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.filter((text) => typeof text === 'string') : undefined
}
