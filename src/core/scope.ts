/**
 * The algebra of scopes. A scope is a path of colon-separated segments; a parent implies its children and may be
 * written with or without a trailing wildcard: `mcp:tools` is `mcp:tools:*`. Siblings imply nothing about each
 * other. Only `mcp:*` stands for everything; a bare `mcp` is no scope.
 */
export class ScopeSet {
  readonly #granted: ReadonlySet<string>
  /** The scopes as they were granted, in order. */
  readonly list: readonly string[]

  constructor(scopes: readonly string[]) {
    this.list = scopes
    this.#granted = new Set(scopes.filter((scope) => scope !== 'mcp').map(withoutWildcard))
  }

  /** Says whether the granted scopes imply `needed`, a scope without a wildcard. */
  covers(needed: string): boolean {
    if (this.#granted.has(needed)) return true
    for (let end = needed.lastIndexOf(':'); end > 0; end = needed.lastIndexOf(':', end - 1)) {
      if (this.#granted.has(needed.slice(0, end))) return true
    }
    return false
  }

  /** The scopes of `needed` that are not implied by what was granted, in the order of `needed`. */
  missing(needed: readonly string[]): readonly string[] {
    return needed.filter((scope) => !this.covers(scope))
  }
}

/**
 * What several sets of scopes have in common: of all scopes that any of them names, those that each of them implies. A
 * parent meets its child in the child.
 */
export function commonScopes(sets: readonly (readonly string[])[]): string[] {
  const granted = sets.map((scopes) => new ScopeSet(scopes))
  return [...new Set(sets.flat())].filter((scope) =>
    granted.every((set) => set.covers(withoutWildcard(scope))),
  )
}

/**
 * Splits a space-delimited scope value (RFC 6749 section 3.3), dropping repetitions. What is no text has no scopes.
 * Untrusted input is fine.
 */
export function parseScopes(value: unknown): string[] {
  return typeof value !== 'string' ? [] : [...new Set(value.split(' ').filter((scope) => scope !== ''))]
}

/** Says whether a value is a legal scope token (RFC 6749 appendix A.4). */
export function isScopeToken(value: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value)
}

/** The same scope without the wildcard that a parent may be written with: `mcp:tools` for `mcp:tools:*`. */
export function withoutWildcard(scope: string): string {
  return scope.endsWith(':*') ? scope.slice(0, -2) : scope
}
