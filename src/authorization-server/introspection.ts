import type { Client } from 'oidc-provider'
import { operatorClientField } from './client-fields.ts'

/**
 * Whether a client may ask about other clients' tokens: a resource server that the operator has registered
 * and that authenticates itself may; a self-registered client sees only its own.
 */
export function mayIntrospectAll(client: Client): boolean {
  return client.clientAuthMethod !== 'none' && client[operatorClientField] === true
}
