import type { BlockedClient } from '../authorization-server/registration/blocked-clients.ts'
import type { Config } from '../config/schema.ts'
import { displayText } from '../core/display-text.ts'
import type { StoredClient } from '../storage/client-contract.ts'
import { printable } from './printable.ts'
import { table } from './table.ts'

/** A name that is longer would move the columns. */
const maxNameLength = 40

/** The members of a client, by the names of its metadata (RFC 7591 section 2) and by ours. */
export type Described = Readonly<Record<string, unknown>>

/** A client with its metadata, for people and machines; without its secret, which nobody knows any more. */
export function describeClient({
  id,
  source,
  metadata,
  createdAt,
  usedAt,
  expiresAt,
}: StoredClient): Described {
  const { operator_client: _, ...own } = metadata
  return {
    ...own,
    client_id: id,
    registered_by: source === 'operator' ? 'operator' : 'itself',
    registered_at: minute(createdAt),
    last_used_at: minute(usedAt),
    expires_at: minute(expiresAt),
  }
}

/** The same for a client of the configuration file, without its secret. */
export function describeConfigured(client: Config['clients'][number]): Described {
  const { id, name = id, redirectUris, grantTypes, scopes } = client
  return {
    client_id: id,
    client_name: name,
    redirect_uris: redirectUris,
    grant_types: grantTypes,
    ...(scopes === undefined ? {} : { scope: scopes.join(' ') }),
    registered_by: 'configuration',
  }
}

/** Since when a client is blocked, and by whom; nothing of one that is not. */
export function describeBlock(block: BlockedClient | undefined): Described {
  return block === undefined ? {} : { blocked_at: minute(block.since), blocked_by: block.operator }
}

/** The clients of the store, and the ids that are blocked without being one of them. */
export function describeClients(
  clients: readonly StoredClient[],
  blocked: ReadonlyMap<string, BlockedClient>,
): readonly Described[] {
  return [
    ...clients.map((client) => ({ ...describeClient(client), ...describeBlock(blocked.get(client.id)) })),
    ...otherIds(blocked, clients).map((id) => ({ client_id: id, ...describeBlock(blocked.get(id)) })),
  ]
}

/**
 * One line per client of the configuration file and of the store, and per id that is blocked without being
 * one of them.
 */
export function listClients(
  clients: readonly StoredClient[],
  configured: readonly { id: string; name?: string | undefined }[],
  blocked: ReadonlyMap<string, BlockedClient>,
): string {
  const row = (id: string, ...cells: readonly string[]): string[] => [
    printable(id),
    ...cells,
    minute(blocked.get(id)?.since) ?? 'no',
  ]
  return table([
    ['client_id', 'name', 'registered by', 'registered', 'last used', 'expires', 'blocked'],
    ...configured.map(({ id, name }) => row(id, name ?? id, 'configuration', '', '', '')),
    ...clients.map(({ id, source, metadata, createdAt, usedAt, expiresAt }) =>
      row(
        id,
        displayText(printable(metadata['client_name']), maxNameLength),
        source === 'operator' ? 'operator' : 'itself',
        ...[createdAt, usedAt, expiresAt].map((time) => minute(time) ?? 'never'),
      ),
    ),
    ...otherIds(blocked, [...configured, ...clients]).map((id) => row(id, '', '', '', '', '')),
  ])
}

function otherIds(blocked: ReadonlyMap<string, unknown>, clients: readonly { id: string }[]): string[] {
  const known = new Set(clients.map(({ id }) => id))
  return [...blocked.keys()].filter((id) => !known.has(id))
}

function minute(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toISOString().slice(0, 16).replace('T', ' ')
}
