import { isScopeToken } from './scope.ts'

/** A scope that can be asked for, with the words in which a person is asked for it. */
export interface ScopeEntry {
  readonly scope: string
  readonly group: 'Tools' | 'Resources' | 'Prompts' | 'Everything'
  readonly words: string
}

/** The six leaf scopes. Challenges and metadata name these and no others. */
const leafScopes = [
  { scope: 'mcp:tools:read', group: 'Tools', words: 'See which tools there are' },
  { scope: 'mcp:tools:execute', group: 'Tools', words: 'Run tools on your behalf' },
  { scope: 'mcp:resources:list', group: 'Resources', words: 'See which resources there are' },
  { scope: 'mcp:resources:read', group: 'Resources', words: 'Read the content of resources' },
  { scope: 'mcp:prompts:list', group: 'Prompts', words: 'See which prompts there are' },
  { scope: 'mcp:prompts:read', group: 'Prompts', words: 'Use prompts' },
] as const satisfies readonly ScopeEntry[]

const parentScopes = [
  { scope: 'mcp:*', group: 'Everything', words: 'Do everything: tools, resources and prompts' },
  { scope: 'mcp:tools', group: 'Tools', words: 'See and run all tools' },
  { scope: 'mcp:tools:*', group: 'Tools', words: 'See and run all tools' },
  { scope: 'mcp:resources', group: 'Resources', words: 'See and read all resources' },
  { scope: 'mcp:resources:*', group: 'Resources', words: 'See and read all resources' },
  { scope: 'mcp:prompts', group: 'Prompts', words: 'See and use all prompts' },
  { scope: 'mcp:prompts:*', group: 'Prompts', words: 'See and use all prompts' },
] as const satisfies readonly ScopeEntry[]

/** Every scope that the authorization server grants, leaves first. */
export const scopeCatalogue: readonly ScopeEntry[] = [...leafScopes, ...parentScopes]

const known: ReadonlySet<string> = new Set(scopeCatalogue.map(({ scope }) => scope))

/** Says whether a scope is one that can be granted: one of the catalogue, or one for a single tool. */
export function isKnownScope(scope: string): boolean {
  return known.has(scope) || isToolScope(scope)
}

/** Says whether a scope is for a single tool: `mcp:tools:execute:<tool>`. */
export function isToolScope(scope: string): boolean {
  return isScopeToken(scope) && /^mcp:tools:execute:[^:*]+$/.test(scope)
}

/** What a client may ask for at first: enough to look around, nothing that acts. */
export const listingScopes: readonly string[] = ['mcp:tools:read', 'mcp:resources:list', 'mcp:prompts:list']

/** The names of the six leaf scopes. */
export const allLeafScopes: readonly string[] = leafScopes.map(({ scope }) => scope)
