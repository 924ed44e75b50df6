import { Refusal } from '../core/errors.ts'
import type { Principal } from '../core/principal.ts'
import { scopesOf } from '../mcp/methods.ts'
import { type NamedObject, objectsOf } from '../mcp/objects.ts'
import { type Decision, type Demand, decide, type Restrictions } from '../policy/decide.ts'
import type { PolicyJudgement } from '../policy/policy-contract.ts'
import { scrub } from '../telemetry/scrub.ts'
import type { Call, CallSummary, MethodCall } from './call.ts'
import type { Objection } from './note.ts'
import type { Upstream } from './upstream.ts'

declare const brand: unique symbol

/** A call that this principal may make here. Only `authorize` makes one. */
export interface Authorized {
  readonly [brand]: true
  readonly principal: Principal
  readonly upstream: Upstream
  readonly call: CallSummary
}

/** All scopes that a call needs, granted or not. Throws `params_invalid` if the params do not say. */
export function neededScopes(call: Pick<Call, 'methods'>): readonly string[] {
  const [first, ...rest] = call.methods
  if (first === undefined) return []
  if (rest.length === 0) return scopesOfMethod(first)
  return [...new Set(call.methods.flatMap(scopesOfMethod))].toSorted()
}

/**
 * Allows a call that the token's scopes cover: a whole batch, or none of it. Undefined if a scope is
 * missing. Throws `object_denied` for what the server's rules never allow, and `policy_denied` for what policies do not
 * permit this caller.
 */
export function authorize(
  principal: Principal,
  upstream: Upstream,
  call: Call,
  { needed, summary }: { readonly needed: readonly string[]; readonly summary: CallSummary },
): Authorized | undefined {
  const decision = decideCall(principal, upstream, call, needed)
  if (decision.kind === 'deny') throw denial(decision)
  return decision.kind === 'allow' ? ({ principal, upstream, call: summary } as Authorized) : undefined
}

/** The decision that `authorize` makes. Pure. */
export function decideCall(
  principal: Principal,
  restrictions: Restrictions,
  { methods }: Pick<Call, 'methods'>,
  needed: readonly string[],
): Decision {
  const [only, ...rest] = methods
  const alternative = only === undefined || rest.length > 0 ? undefined : alternativeOf(only)
  const demand: Demand =
    restrictions.rules === undefined && restrictions.policies === undefined
      ? { scopes: needed, alternative }
      : { scopes: needed, alternative, objects: methods.flatMap(objectsOfMethod) }
  return decide(principal, demand, restrictions)
}

/** The refusal of what no scope would change. */
export function denial({ policy }: Extract<Decision, { kind: 'deny' }>): Refusal {
  return policy === undefined
    ? new Refusal('object_denied')
    : new Refusal('policy_denied', describeVerdict(policy))
}

const noObjections: readonly undefined[] = []

/** What policies that do not decide would have refused each method of a call for, in their order. */
export function objectionsTo(
  principal: Principal,
  { proposed }: Pick<Upstream, 'proposed'>,
  { methods }: Pick<Call, 'methods'>,
): readonly (Objection | undefined)[] {
  if (proposed === undefined) return noObjections
  return methods.map((method) => {
    for (const object of objectsOfMethod(method)) {
      const judgement = proposed.judge(principal, object)
      if (judgement.verdict !== 'permitted') return describeVerdict(judgement)
    }
    return undefined
  })
}

function describeVerdict({ verdict, decisive, obstacles }: PolicyJudgement): Objection {
  const reason = verdict === 'forbidden' ? `forbidden by ${decisive.join(', ')}` : 'no policy permits it'
  const why = obstacles.join('; ')
  return why === '' ? { reason } : { reason, specifics: scrub(why) }
}

/** What a call of one method asks for. Undefined if the params do not say. */
export function demandOf(method: MethodCall): Demand | undefined {
  const scopes = scopesOf(method.row, method.params)
  return scopes && { scopes, alternative: alternativeOf(method), objects: objectsOfMethod(method) }
}

function objectsOfMethod({ row, params }: MethodCall): readonly NamedObject[] {
  return objectsOf(row.method, params)
}

function scopesOfMethod({ row, params }: MethodCall): readonly string[] {
  const scopes = scopesOf(row, params)
  if (scopes !== undefined) return scopes
  throw new Refusal('params_invalid')
}

/** The scope for only the tool that is called. */
function alternativeOf({ row, params }: MethodCall): Demand['alternative'] {
  if (row.method !== 'tools/call') return undefined
  const { name } = params
  return typeof name === 'string' && name.isWellFormed()
    ? { tool: name, insteadOf: 'mcp:tools:execute' }
    : undefined
}
