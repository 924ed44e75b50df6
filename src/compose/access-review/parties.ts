import type { ReviewedClient, ReviewedUser } from '../../audit/report/review.ts'
import { allowedScopesField, allowedUpstreamsField } from '../../authorization-server/client-fields.ts'
import type { Config } from '../../config/schema.ts'
import { displayText } from '../../core/display-text.ts'
import { signsInAt, userState } from '../../identity/user-state.ts'
import type { Store } from '../../storage/contract.ts'

interface KnownClient extends ReviewedClient {
  /** Milliseconds since the epoch; undefined for one from the configuration. */
  readonly since: number | undefined
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
  config: Config,
  store: Store,
  letIn: ReadonlySet<string>,
): Promise<ReviewedClient[]> {
  const known = await knownClients(config, store)
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
export async function knownClients({ clients }: Config, store: Store): Promise<KnownClient[]> {
  const kept = await store.clients.list()
  return [
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
}

/** What a client says about itself is validated when it registers; here only lists of strings are shown. */
function textsOf(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.filter((text) => typeof text === 'string') : undefined
}
