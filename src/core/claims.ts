/** The claims of a token or a userinfo answer by name. Their form is untrusted. */
export type Claims = Readonly<Record<string, unknown>>

/**
 * The claim of a name; if there is none, a dot descends into an object. Auth0 names claims by URLs, which
 * contain dots.
 */
export function claimOf(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name]
  return name
    .split('.')
    .reduce<unknown>(
      (value, key) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, key)
          ? (value as Record<string, unknown>)[key]
          : undefined,
      claims,
    )
}
