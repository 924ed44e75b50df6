import type { KoaContextWithOIDC } from 'oidc-provider'
import { parseScopes, ScopeSet, withoutWildcard } from '../../core/scope.ts'
import type { ScopeCatalogue } from '../../core/scope-catalogue.ts'
import { availableScopes } from '../consent/available-scopes.ts'
import { Provider } from '../library/library.ts'

/**
 * Lets a refresh ask for scopes that those of its token imply (RFC 6749 section 6). The library would refuse
 * them, since it compares names. What is stored of the token stays as it was granted.
 */
export function implyScopes(
  { RefreshToken }: InstanceType<typeof Provider>,
  catalogue: ScopeCatalogue,
): void {
  Object.defineProperty(RefreshToken.prototype, 'scopes', {
    get(this: { readonly scope?: string }) {
      const granted = parseScopes(this.scope)
      return new Set([...granted, ...impliedScopes(catalogue, Provider.ctx, granted)])
    },
  })
}

/** The same for the grant of the running refresh. It is not stored again. */
export function implyGrantedScopes(catalogue: ScopeCatalogue, context: KoaContextWithOIDC): void {
  const { Grant, RefreshToken } = context.oidc.entities
  for (const resource of [RefreshToken?.resource ?? []].flat()) {
    const implied = impliedScopes(catalogue, context, parseScopes(Grant?.getResourceScope(resource)))
    if (implied.length > 0) Grant?.addResourceScope(resource, implied)
  }
}

/** The scopes that the running refresh is for, as far as its client may still get them. */
export function refreshedScopes(catalogue: ScopeCatalogue, context: KoaContextWithOIDC): readonly string[] {
  const { entities, params } = context.oidc
  const available = new Set(availableScopes(catalogue, context))
  const asked = parseScopes(params?.['scope'] ?? entities.RefreshToken?.scope)
  return asked.filter((scope) => available.has(scope))
}

/** Of the scopes that a request asks for, which is untrusted, those that others imply. */
function impliedScopes(
  catalogue: ScopeCatalogue,
  context: KoaContextWithOIDC | undefined,
  granted: readonly string[],
): string[] {
  const asked = parseScopes(context?.oidc.params?.['scope'])
  if (context === undefined || asked.length === 0) return []
  const available = new Set(availableScopes(catalogue, context))
  const scopes = new ScopeSet(granted)
  return asked.filter((scope) => available.has(scope) && scopes.covers(withoutWildcard(scope)))
}
