import type { KnownClient } from '../settings.ts'
import { allowedScopesField, allowedUpstreamsField, operatorClientField } from './client-fields.ts'
import type { ClientMetadata } from './client-metadata.ts'

/** How a client authenticates, as chosen by an operator. */
export type Authentication = 'none' | 'client_secret_basic' | 'private_key_jwt'

/** The metadata (RFC 7591 section 2) of a client that an operator registered, without its secret. */
export function operatorMetadata(
  client: Omit<KnownClient, 'secret'>,
  authentication: Authentication,
): ClientMetadata {
  const forUsers = client.grantTypes.includes('authorization_code')
  const native = client.redirectUris.some((uri) => !uri.startsWith('https:'))
  return {
    client_id: client.id,
    client_name: client.name ?? client.id,
    redirect_uris: [...client.redirectUris],
    grant_types: [...client.grantTypes],
    response_types: forUsers ? ['code'] : [],
    application_type: native ? 'native' : 'web',
    token_endpoint_auth_method: authentication,
    dpop_bound_access_tokens: client.dpop === 'required',
    require_pushed_authorization_requests: client.pushedRequests === 'required',
    ...(client.jwks === undefined ? {} : { jwks: client.jwks }),
    ...(client.scopes === undefined ? {} : { [allowedScopesField]: [...client.scopes] }),
    ...(client.upstreams === undefined ? {} : { [allowedUpstreamsField]: [...client.upstreams] }),
    [operatorClientField]: true,
  }
}
