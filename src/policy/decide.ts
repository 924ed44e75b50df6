import type { Principal } from '../core/principal.ts'
import type { ScopeSet } from '../core/scope.ts'
import type { NamedObject } from '../mcp/objects.ts'
import type { ObjectRules } from './object-rules.ts'
import type { PolicyJudgement, ServerPolicies } from './policy-contract.ts'

/**
 * Whether the caller may do this. `step-up`: not yet, but the missing scopes can be requested. `deny`: never,
 * because of the rules, or of policies.
 */
export type Decision =
  | { readonly kind: 'allow' }
  | { readonly kind: 'step-up'; readonly missing: readonly string[] }
  | { readonly kind: 'deny'; readonly policy?: PolicyJudgement }

/** What is asked for: scopes that are all needed and, for calls of one object, the scope that names it. */
export interface Demand {
  readonly scopes: readonly string[]
  /** The tool whose own scope, such as `mcp:tools:execute:add`, is sufficient instead of the one above it. */
  readonly alternative?: { readonly tool: string; readonly insteadOf: string } | undefined
  /** What is named. Only used if the server has rules or policies. */
  readonly objects?: readonly NamedObject[]
}

/** What an operator says about the use of a server's objects; undefined where everything is allowed. */
export interface Restrictions {
  /** What may be used at all, by anyone. */
  readonly rules: ObjectRules | undefined
  /** Who may use what. */
  readonly policies: ServerPolicies | undefined
}

const allow: Decision = { kind: 'allow' }
const deny: Decision = { kind: 'deny' }

/** The one decision, the same for a call and for what a list shows. The restrictions are the server's. Pure. */
export function decide(caller: Principal, demand: Demand, { rules, policies }: Restrictions): Decision {
  const { objects } = demand
  if (rules !== undefined && objects?.every((object) => rules.allows(object)) === false) return deny
  if (policies !== undefined && objects !== undefined) {
    for (const object of objects) {
      const policy = policies.judge(caller, object)
      if (policy.verdict !== 'permitted') return { kind: 'deny', policy }
    }
  }
  const granted = caller.scopes
  for (const scope of demand.scopes) {
    if (!granted.covers(scope) && !coversInstead(granted, demand, scope))
      return { kind: 'step-up', missing: granted.missing(demand.scopes) }
  }
  return allow
}

function coversInstead(granted: ScopeSet, { alternative }: Demand, scope: string): boolean {
  return alternative?.insteadOf === scope && granted.covers(toolScope(alternative.tool))
}

/** The scope that allows calling only one tool. Names are encoded, so that none can look like a parent. */
export function toolScope(name: string): string {
  const encoded = encodeURIComponent(name).replaceAll(/[*'()!~]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
  })
  return `mcp:tools:execute:${encoded}`
}
