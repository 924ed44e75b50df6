import { type Claims, claimOf } from '../../core/claims.ts'
import { parseScopes } from '../../core/scope.ts'

/** Which claims of an issuer's access tokens hold what, by name; a dot descends into an object. */
export interface ClaimReading {
  readonly scopes: readonly string[]
  readonly clientId: readonly string[]
  readonly groups: readonly string[]
  readonly roles: readonly string[]
  /**
   * Which scopes here a scope, permission or role of the issuer stands for. One that is not listed stands
   * for itself.
   */
  readonly scopeMap: Readonly<Record<string, readonly string[]>>
  /** Scopes that every token has in addition. */
  readonly granted: readonly string[]
}

/** Access tokens as RFC 9068 and RFC 8693 describe them. */
export const standardReading: ClaimReading = {
  scopes: ['scope'],
  clientId: ['client_id', 'azp'],
  groups: ['groups'],
  roles: ['roles'],
  scopeMap: {},
  granted: [],
}

/** The scopes of a token, from space-separated strings or lists. */
export function readScopes(claims: Claims, reading: ClaimReading): string[] {
  const named = reading.scopes.flatMap((name) => {
    const value = claimOf(claims, name)
    return typeof value === 'string' ? parseScopes(value) : texts(value)
  })
  return meaningOf(named, reading)
}

/** What scopes of the issuer mean here, in a token that has them. */
export function meaningOf(
  scopes: readonly string[],
  { scopeMap, granted }: Pick<ClaimReading, 'scopeMap' | 'granted'>,
): string[] {
  const mapped = scopes.flatMap((scope) =>
    Object.hasOwn(scopeMap, scope) ? (scopeMap[scope] ?? []) : [scope],
  )
  return [...new Set([...mapped, ...granted])]
}

/** The strings in the claims of these names, single or in lists. */
export function readTexts(claims: Claims, names: readonly string[]): readonly string[] {
  return [...new Set(names.flatMap((name) => texts(claimOf(claims, name))))]
}

/** The first of these claims that is a string. */
export function readText(claims: Claims, names: readonly string[]): string | undefined {
  return names
    .map((name) => claimOf(claims, name))
    .find((value) => typeof value === 'string' && value !== '') as string | undefined
}

function texts(value: unknown): string[] {
  return [value ?? []].flat().filter((one) => typeof one === 'string')
}
