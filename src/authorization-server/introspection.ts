import type { Client } from 'oidc-provider'
import type { KnownClient } from './settings.ts'

/**
 * Says whether a client may ask about tokens of others: a resource server that the operator has configured with a
 * secret may; a client that registered itself sees its own alone.
 */
export function mayIntrospectAll(known: readonly KnownClient[], client: Client): boolean {
  return client.clientAuthMethod !== 'none' && known.some(({ id }) => id === client.clientId)
}
