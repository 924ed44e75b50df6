import type { Clause, Expr, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import { mentionsOf } from './mentions.ts'

/**
 * What a policy says before it is known what a tool or a prompt is called with: a permit without its conditions on
 * arguments, and nothing of a forbid that has some. What this denies, the policy itself denies for all arguments.
 */
export function couldPermit(policy: PolicyJson): PolicyJson | undefined {
  if (!looksAtArguments(policy)) return policy
  if (policy.effect === 'forbid') return undefined
  return withoutArguments(policy)
}

/** A policy without its conditions on arguments, of which no schema knows the types. */
export function withoutArguments(policy: PolicyJson): PolicyJson {
  return { ...policy, conditions: policy.conditions.flatMap(weaken) }
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
  const joined = (body as Partial<Record<typeof operator, { left: Expr; right: Expr }>>)[operator]
  return joined === undefined
    ? [body]
    : [...partsOf(operator, joined.left), ...partsOf(operator, joined.right)]
}

function looksAtArguments(part: object): boolean {
  return mentionsOf(part).arguments !== undefined
}
