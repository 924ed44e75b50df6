import type { Client } from 'oidc-provider'
import { operatorClientField } from './client-fields.ts'

/**
 * Says whether a client may ask about tokens of others: a resource server that the operator has made known, and that
 * proves who it is, may; a client that registered itself sees its own alone.
 */
export function mayIntrospectAll(client: Client): boolean {
  return client.clientAuthMethod !== 'none' && client[operatorClientField] === true
}
