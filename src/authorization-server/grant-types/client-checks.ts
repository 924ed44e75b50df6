import type { Client, KoaContextWithOIDC } from 'oidc-provider'
import type { ProtectedResource } from '../../core/protected-resource.ts'
import { errors } from '../library/library.ts'
import {
  allowedScopesField,
  allowedUpstreamsField,
  operatorClientField,
} from '../registration/client-fields.ts'

/** A client that the operator registered, and that has authenticated itself. */
export interface OperatorClient {
  readonly id: string
  /** All scopes that it may get. */
  readonly scopes: readonly string[] | undefined
  /** The names of the MCP servers that it may have tokens for. */
  readonly upstreams: readonly string[] | undefined
}

/**
 * Grants without a user are only for clients that the operator registered and that authenticate themselves;
 * no client can register itself as one (RFC 6749 section 4.4, MCP extension oauth-client-credentials). Throws
 * UnauthorizedClient.
 */
export function requireOperatorClient(client: Client | undefined): OperatorClient {
  if (client?.[operatorClientField] !== true)
    throw new errors.UnauthorizedClient('this grant is for clients that the administrator has set up')
  if (client.clientAuthMethod === 'none')
    throw new errors.UnauthorizedClient('this grant is for clients that authenticate themselves')
  const { clientId: id } = client
  return { id, scopes: listOf(client, allowedScopesField), upstreams: listOf(client, allowedUpstreamsField) }
}

/**
 * Checks that a client may have tokens for a resource at all and, if it asks for that, without a user. Throws
 * UnauthorizedClient and InvalidTarget.
 */
export function checkTarget(
  { oidc: { client, params } }: KoaContextWithOIDC,
  { name }: ProtectedResource,
): void {
  if (params?.['grant_type'] === 'client_credentials') requireOperatorClient(client)
  if (client !== undefined && listOf(client, allowedUpstreamsField)?.includes(name) === false)
    throw new errors.InvalidTarget('this resource is not for this client')
}

function listOf(client: Client, field: string): readonly string[] | undefined {
  return client[field] as readonly string[] | undefined
}
