import { isScopeToken } from './scope.ts'

/** A scope that can be requested, with the text that users see when they are asked for it. */
export interface ScopeEntry {
  readonly scope: string
  readonly group: 'Tools' | 'Resources' | 'Prompts' | 'Everything' | 'More'
  readonly words: string
}

/** The six leaf scopes of MCP. Challenges and metadata name only these and the operator's own. */
const leafScopes = [
  { scope: 'mcp:tools:read', group: 'Tools', words: 'See which tools are available' },
  { scope: 'mcp:tools:execute', group: 'Tools', words: 'Run tools on your behalf' },
  { scope: 'mcp:resources:list', group: 'Resources', words: 'See which resources are available' },
  { scope: 'mcp:resources:read', group: 'Resources', words: 'Read the content of resources' },
  { scope: 'mcp:prompts:list', group: 'Prompts', words: 'See which prompts are available' },
  { scope: 'mcp:prompts:read', group: 'Prompts', words: 'Use prompts' },
] as const satisfies readonly ScopeEntry[]

const parentScopes = [
  {
    scope: 'mcp:*',
    group: 'Everything',
    words: 'Do everything: see and use all tools, resources and prompts',
  },
  { scope: 'mcp:tools', group: 'Tools', words: 'See and run all tools' },
  { scope: 'mcp:tools:*', group: 'Tools', words: 'See and run all tools' },
  { scope: 'mcp:resources', group: 'Resources', words: 'See and read all resources' },
  { scope: 'mcp:resources:*', group: 'Resources', words: 'See and read all resources' },
  { scope: 'mcp:prompts', group: 'Prompts', words: 'See and use all prompts' },
  { scope: 'mcp:prompts:*', group: 'Prompts', words: 'See and use all prompts' },
] as const satisfies readonly ScopeEntry[]

/** The scopes that an installation knows: those of MCP and the operator's own. */
export class ScopeCatalogue {
  /** What can be granted, leaves first, without the scopes for single tools. */
  readonly names: readonly string[]
  /** What challenges and metadata may name. */
  readonly leaves: readonly string[]
  readonly #entries: ReadonlyMap<string, ScopeEntry>

  /**
   * `own` are the operator's scopes with their texts. Does not validate them; ownScopeProblem tells what is
   * wrong with a name.
   */
  constructor(own: Readonly<Record<string, string>> = {}) {
    const more = Object.entries(own).map(([scope, words]): ScopeEntry => ({ scope, group: 'More', words }))
    const leaves = [...leafScopes, ...more]
    this.leaves = leaves.map(({ scope }) => scope)
    this.#entries = new Map([...leaves, ...parentScopes].map((entry) => [entry.scope, entry]))
    this.names = [...this.#entries.keys()]
  }

  /** Whether a scope can be granted. Untrusted input is fine. */
  knows(scope: string): boolean {
    return this.#entries.has(scope) || isToolScope(scope)
  }

  /** The scope in words. For an unknown scope, what its name suggests. */
  describe(scope: string): Pick<ScopeEntry, 'group' | 'words'> {
    const entry = this.#entries.get(scope)
    if (entry !== undefined) return entry
    if (scope === 'openid') return { group: 'Everything', words: 'See your name' }
    return isToolScope(scope)
      ? { group: 'Tools', words: `Run the tool ${scope.slice(scope.lastIndexOf(':') + 1)}` }
      : { group: 'More', words: 'A permission that this server no longer knows' }
  }
}

/** Whether a scope is for a single tool: `mcp:tools:execute:<tool>`. */
export function isToolScope(scope: string): boolean {
  return isScopeToken(scope) && /^mcp:tools:execute:[^:*]+$/.test(scope)
}

/** What is wrong with the name of an operator's own scope (RFC 6749 section 3.3), or undefined. */
export function ownScopeProblem(scope: string): string | undefined {
  if (!isScopeToken(scope) || scope.length > 128)
    return 'must be at most 128 printable ASCII characters without spaces, quotes or backslashes'
  if (scope === 'mcp' || scope.startsWith('mcp:'))
    return 'must not be mcp or begin with mcp:, which are for the scopes of MCP'
  if (scope === 'openid' || scope === 'offline_access') return 'has a meaning of its own in OpenID Connect'
  if (scope.includes('*')) return 'must have no *: a scope already covers all that continue it after a colon'
  if (scope.split(':').includes('')) return 'must have text before and after every colon'
  return undefined
}

/** What a client may request at first: enough to look around, but not to act. */
export const listingScopes: readonly string[] = ['mcp:tools:read', 'mcp:resources:list', 'mcp:prompts:list']

/** The names of the six leaf scopes of MCP. */
export const mcpScopes: readonly string[] = leafScopes.map(({ scope }) => scope)
