/**
 * The algebra of scopes. A scope is a path of colon-separated segments. A parent implies its children, and
 * may be written with or without a trailing wildcard: `mcp:tools` is `mcp:tools:*`. Siblings imply nothing
 * about each other. Only `mcp:*` stands for everything; a bare `mcp` is not a scope.
 */
export class ScopeSet {
  readonly #granted: ReadonlySet<string>
  /** The granted scopes, in order. */
  readonly list: readonly string[]

  constructor(scopes: readonly string[]) {
    this.list = scopes
    this.#granted = new Set(scopes.filter((scope) => scope !== 'mcp').map(withoutWildcard))
  }

  /** Whether the granted scopes imply `needed`, a scope without a wildcard. */
  covers(needed: string): boolean {
    if (this.#granted.has(needed)) return true
    for (let end = needed.lastIndexOf(':'); end > 0; end = needed.lastIndexOf(':', end - 1)) {
      if (this.#granted.has(needed.slice(0, end))) return true
    }
    return false
  }

  /** The scopes in `needed` that the granted scopes do not imply, in the order of `needed`. */
  missing(needed: readonly string[]): readonly string[] {
    return needed.filter((scope) => !this.covers(scope))
  }
}

/**
 * The intersection of several sets of scopes: of all scopes named in any set, those that every set implies. A
 * parent and its child give the child.
 */
export function commonScopes(sets: readonly (readonly string[])[]): string[] {
  const granted = sets.map((scopes) => new ScopeSet(scopes))
  return [...new Set(sets.flat())].filter((scope) =>
    granted.every((set) => set.covers(withoutWildcard(scope))),
  )
}

/**
 * Splits a space-delimited scope value (RFC 6749 section 3.3) and drops duplicates. Anything but a string has
 * no scopes. Untrusted input is fine.
 */
export function parseScopes(value: unknown): string[] {
  return typeof value !== 'string' ? [] : [...new Set(value.split(' ').filter((scope) => scope !== ''))]
}

/** Whether a value is a legal scope token (RFC 6749 appendix A.4). */
export function isScopeToken(value: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value)
}

/** The scope without the optional wildcard of a parent: `mcp:tools` for `mcp:tools:*`. */
export function withoutWildcard(scope: string): string {
  return scope.endsWith(':*') ? scope.slice(0, -2) : scope
}
