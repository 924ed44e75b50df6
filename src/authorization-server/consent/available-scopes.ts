import type { KoaContextWithOIDC } from 'oidc-provider'
import { parseScopes, ScopeSet, withoutWildcard } from '../../core/scope.ts'
import { isToolScope, type ScopeCatalogue } from '../../core/scope-catalogue.ts'
import { errors } from '../library/library.ts'
import { allowedScopesField } from '../registration/client-fields.ts'

/**
 * The scopes that this client may get: the whole catalogue and, of the scopes for single tools, which cannot
 * be listed, the requested ones; limited to what the configuration allows the client. A user is shown what is
 * left, and is not asked if nothing is; a machine that asks for more than it may have gets an error. Throws
 * InvalidScope.
 */
export function availableScopes(
  catalogue: ScopeCatalogue,
  { oidc: { client, params, entities, route } }: KoaContextWithOIDC,
): string[] {
  const { AuthorizationCode, RefreshToken, DeviceCode } = entities
  const value = params?.['scope'] ?? (AuthorizationCode ?? RefreshToken ?? DeviceCode)?.scope
  const asked = parseScopes(value)
  const ceiling = client?.[allowedScopesField] as string[] | undefined
  const limit = ceiling === undefined ? undefined : new ScopeSet(ceiling)
  const available = [...catalogue.names, ...asked.filter(isToolScope)].filter(
    (scope) => limit === undefined || limit.covers(withoutWildcard(scope)),
  )
  if (params?.['grant_type'] === 'client_credentials') {
    const refused = asked.find((scope) => !available.includes(scope))
    if (refused !== undefined) throw new errors.InvalidScope('the client cannot get this scope', refused)
  }
  // By the time a token is requested, the user has already decided.
  if (route !== 'token' && !asked.some((scope) => scope === 'openid' || available.includes(scope)))
    throw new errors.InvalidScope('the client can get none of the scopes that it asks for', asked.join(' '))
  return available
}
