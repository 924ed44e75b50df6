import { createHash } from 'node:crypto'
import type { CedarValueJson, EntityJson, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import type { PolicyJudgement } from '../policy-contract.ts'
import { describeFailure, engine, engineFailed } from './engine.ts'
import type { UsedObject } from './entities.ts'

/** Policies that the engine has compiled. */
export interface PolicySet {
  /** Throws if the engine fails, which is a fault of ours. */
  evaluate(caller: EntityJson, used: UsedObject, context: object): PolicyJudgement
}

interface SourcePolicy {
  readonly name: string
  readonly json: PolicyJson
  readonly source: string | PolicyJson
}

/** Compiles policies. The engine keeps them by name for good, so the same ones have the same name. */
export function openPolicySet(policies: readonly SourcePolicy[]): PolicySet {
  const { preparsePolicySet, statefulIsAuthorized } = engine()
  const staticPolicies = Object.fromEntries(policies.map(({ name, source }) => [name, source]))
  const id = createHash('sha256').update(JSON.stringify(staticPolicies)).digest('base64url')
  const parsed = preparsePolicySet(id, { staticPolicies })
  if (parsed.type === 'failure') throw engineFailed(parsed.errors)
  const forbids = new Set(policies.filter(({ json }) => json.effect === 'forbid').map(({ name }) => name))
  return {
    evaluate(caller, { action, entity }, context) {
      const answer = statefulIsAuthorized({
        principal: caller.uid,
        action: { type: 'Action', id: action },
        resource: entity.uid,
        context: context as Record<string, CedarValueJson>,
        preparsedPolicySetId: id,
        entities: [caller, entity],
      })
      if (answer.type === 'failure') throw engineFailed(answer.errors)
      const { decision, diagnostics } = answer.response
      const obstacles = diagnostics.errors.map(
        ({ policyId, error }) => `${policyId} cannot be evaluated: ${describeFailure(error)}`,
      )
      // To Cedar, a forbid that cannot be evaluated forbids nothing.
      const failedForbids = diagnostics.errors.flatMap(({ policyId }) =>
        forbids.has(policyId) ? policyId : [],
      )
      if (decision === 'allow' && failedForbids.length === 0)
        return { verdict: 'permitted', decisive: diagnostics.reason, obstacles }
      const decisive = [...(decision === 'deny' ? diagnostics.reason : []), ...failedForbids]
      return { verdict: decisive.length > 0 ? 'forbidden' : 'unpermitted', decisive, obstacles }
    },
  }
}
