import { Refusal } from '../core/errors.ts'
import type { Principal } from '../core/principal.ts'
import { scopesOf } from '../mcp/methods.ts'
import { decide, toolScope } from '../policy/decide.ts'
import type { Call, CallSummary, MethodCall } from './call.ts'
import type { Upstream } from './upstream.ts'

declare const brand: unique symbol

/** A call that this principal may make here. Only `authorize` makes one. */
export interface Authorized {
  readonly [brand]: true
  readonly principal: Principal
  readonly upstream: Upstream
  readonly call: CallSummary
}

/** Every scope that a call needs, whether granted or not. Throws `params_invalid` where the params do not tell. */
export function neededScopes(call: Call): readonly string[] {
  const [first, ...rest] = call.methods
  if (first === undefined) return []
  if (rest.length === 0) return scopesOfMethod(first)
  return [...new Set(call.methods.flatMap(scopesOfMethod))].toSorted()
}

/** Lets a call pass that the token's scopes cover; all of a batch, or nothing. Undefined where a scope is missing. */
export function authorize(
  principal: Principal,
  upstream: Upstream,
  call: Call,
  { needed, summary }: { readonly needed: readonly string[]; readonly summary: CallSummary },
): Authorized | undefined {
  const decision = decide(principal.scopes, { scopes: needed, alternative: objectScope(call) })
  return decision.kind === 'allow' ? ({ principal, upstream, call: summary } as Authorized) : undefined
}

function scopesOfMethod({ row, params }: MethodCall): readonly string[] {
  const scopes = scopesOf(row, params)
  if (scopes !== undefined) return scopes
  throw new Refusal('params_invalid')
}

function objectScope({ methods }: Call): string | undefined {
  const [only, ...rest] = methods
  if (only === undefined || rest.length > 0 || only.row.method !== 'tools/call') return undefined
  const { name } = only.params
  return typeof name === 'string' && name.isWellFormed() ? toolScope(name) : undefined
}
