import type { Clause, Expr, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import { mentionsOf } from './mentions.ts'

/**
 * What a policy says before it is known what a tool or a prompt is called with: a permit without its conditions on
 * arguments, and nothing of a forbid that has some. What this denies, the policy itself denies for all arguments.
 */
export function couldPermit(policy: PolicyJson): PolicyJson | undefined {
  if (!looksAtArguments(policy)) return policy
  if (policy.effect === 'forbid') return undefined
  return { ...policy, conditions: policy.conditions.flatMap(weaken) }
}

/** A policy whose conditions on arguments, of which no schema knows the types, could be true or false. */
export function withUnknownArguments(policy: PolicyJson): PolicyJson {
  return { ...policy, conditions: policy.conditions.map(({ kind, body }) => ({ kind, body: forget(body) })) }
}

const now: Expr = { '.': { left: { Var: 'context' }, attr: 'now' } }
const unknown: Expr = { '<': { left: now, right: now } }

interface Sides {
  readonly left: Expr
  readonly right: Expr
}

/** What is made of truth values. */
interface Connective {
  readonly '&&'?: Sides
  readonly '||'?: Sides
  readonly '!'?: { readonly arg: Expr }
  readonly 'if-then-else'?: { readonly if: Expr; readonly then: Expr; readonly else: Expr }
}

function forget(expression: Expr): Expr {
  if (!looksAtArguments(expression)) return expression
  const { '&&': both, '||': either, '!': not, 'if-then-else': choice } = expression as Connective
  if (both !== undefined) return { '&&': { left: forget(both.left), right: forget(both.right) } }
  if (either !== undefined) return { '||': { left: forget(either.left), right: forget(either.right) } }
  if (not !== undefined) return { '!': { arg: forget(not.arg) } }
  if (choice === undefined) return unknown
  const forgotten = Object.entries(choice).map(([part, inner]) => [part, forget(inner)])
  return { 'if-then-else': Object.fromEntries(forgotten) as typeof choice }
}

function weaken({ kind, body }: Clause): Clause[] {
  const operator = kind === 'when' ? '&&' : '||'
  const parts = partsOf(operator, body).filter((part) => !looksAtArguments(part))
  const [first, ...others] = parts
  if (first === undefined) return []
  const joined = others.reduce<Expr>(
    (left, right) => (operator === '&&' ? { '&&': { left, right } } : { '||': { left, right } }),
    first,
  )
  return [{ kind, body: joined }]
}

/** The expressions that an operator joins. */
function partsOf(operator: '&&' | '||', body: Expr): Expr[] {
  const joined = (body as Connective)[operator]
  return joined === undefined
    ? [body]
    : [...partsOf(operator, joined.left), ...partsOf(operator, joined.right)]
}

function looksAtArguments(part: object): boolean {
  return mentionsOf(part).arguments !== undefined
}
