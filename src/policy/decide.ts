import type { ScopeSet } from '../core/scope.ts'

/** May the caller do this? `step-up`: not yet, but the missing scopes can be asked for. */
export type Decision =
  | { readonly kind: 'allow' }
  | { readonly kind: 'step-up'; readonly missing: readonly string[] }

/** What is asked for: scopes that are all needed, and for calls of one object the scope that names it. */
export interface Demand {
  readonly scopes: readonly string[]
  /** Enough in place of `scopes`: the per-object scope, such as `mcp:tools:execute:add`. */
  readonly alternative?: string | undefined
}

const allow: Decision = { kind: 'allow' }

/** The one decision, the same for a call and for what a list shows. Pure. */
export function decide(granted: ScopeSet, demand: Demand): Decision {
  for (const scope of demand.scopes) {
    if (!granted.covers(scope)) return decideAlternative(granted, demand)
  }
  return allow
}

function decideAlternative(granted: ScopeSet, { scopes, alternative }: Demand): Decision {
  if (alternative !== undefined && granted.covers(alternative)) return allow
  return { kind: 'step-up', missing: granted.missing(scopes) }
}

/** The scope that allows calling one tool and no other. Names are encoded, so that none can look like a parent. */
export function toolScope(name: string): string {
  const encoded = encodeURIComponent(name).replaceAll(/[*'()!~]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
  })
  return `mcp:tools:execute:${encoded}`
}
