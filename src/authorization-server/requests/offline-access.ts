import { parseScopes } from '../../core/scope.ts'

/**
 * Removes `offline_access` from a scope value: it may be requested but changes nothing, since refresh tokens
 * are issued anyway. Untrusted.
 */
export function dropOfflineAccess(scope: string): string {
  const name = 'offline_access'
  if (!scope.includes(name)) return scope
  return parseScopes(scope)
    .filter((one) => one !== name)
    .join(' ')
}
