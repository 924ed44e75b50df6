import { parseScopes } from '../core/scope.ts'

/**
 * Leaves `offline_access` out of a scope value: it may be asked for and changes nothing, since refresh tokens are given
 * anyway. Untrusted.
 */
export function dropOfflineAccess(scope: string): string {
  const name = 'offline_access'
  if (!scope.includes(name)) return scope
  return parseScopes(scope)
    .filter((one) => one !== name)
    .join(' ')
}
