import type { Client, KoaContextWithOIDC } from 'oidc-provider'
import type { ProtectedResource } from '../../core/protected-resource.ts'
import { errors } from '../library.ts'
import type { AuthorizationServerSettings, KnownClient } from '../settings.ts'

/**
 * Grants without a person are for clients that the operator knows and that authenticate themselves: nobody can register
 * one (RFC 6749 section 4.4, MCP extension oauth-client-credentials). Throws UnauthorizedClient.
 */
export function requireOperatorsClient(
  { clients }: Pick<AuthorizationServerSettings, 'clients'>,
  client: Client | undefined,
): KnownClient {
  const known = clients.find(({ id }) => id === client?.clientId)
  if (client === undefined || known === undefined)
    throw new errors.UnauthorizedClient('this grant is for clients that the administrator has set up')
  if (client.clientAuthMethod === 'none')
    throw new errors.UnauthorizedClient('this grant is for clients that authenticate themselves')
  return known
}

/**
 * Checks that a client may have tokens for a resource at all, and without a person if that is what it asks for. Throws
 * UnauthorizedClient and InvalidTarget.
 */
export function checkTarget(
  settings: Pick<AuthorizationServerSettings, 'clients'>,
  { oidc: { client, params } }: KoaContextWithOIDC,
  { name }: ProtectedResource,
): void {
  if (params?.['grant_type'] === 'client_credentials') requireOperatorsClient(settings, client)
  const { upstreams } = settings.clients.find(({ id }) => id === client?.clientId) ?? {}
  if (upstreams?.includes(name) === false)
    throw new errors.InvalidTarget('this resource is not for this client')
}
