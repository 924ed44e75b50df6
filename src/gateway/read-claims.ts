import { type Claims, claimOf } from '../core/claims.ts'
import { parseScopes } from '../core/scope.ts'

/** Where an issuer's access tokens say what, by the names of claims; a dot leads into an object. */
export interface ClaimReading {
  readonly scopes: readonly string[]
  readonly clientId: readonly string[]
  readonly groups: readonly string[]
  readonly roles: readonly string[]
  /** What a scope, permission or role of the issuer stands for here. What is not named stands for itself. */
  readonly scopeMap: Readonly<Record<string, readonly string[]>>
  /** What every token has besides. */
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

/** The scopes of a token: texts with spaces, or lists. */
export function readScopes(claims: Claims, { scopes, scopeMap, granted }: ClaimReading): string[] {
  const named = scopes.flatMap((name) => {
    const value = claimOf(claims, name)
    return typeof value === 'string' ? parseScopes(value) : texts(value)
  })
  const mapped = named.flatMap((scope) =>
    Object.hasOwn(scopeMap, scope) ? (scopeMap[scope] ?? []) : [scope],
  )
  return [...new Set([...mapped, ...granted])]
}

/** The texts in claims of these names, in lists or alone. */
export function readTexts(claims: Claims, names: readonly string[]): readonly string[] {
  return [...new Set(names.flatMap((name) => texts(claimOf(claims, name))))]
}

/** The first of these claims that is a text. */
export function readText(claims: Claims, names: readonly string[]): string | undefined {
  return names
    .map((name) => claimOf(claims, name))
    .find((value) => typeof value === 'string' && value !== '') as string | undefined
}

function texts(value: unknown): string[] {
  return [value ?? []].flat().filter((one) => typeof one === 'string')
}
