import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import { parsePolicies } from '../policy/cedar/parse.ts'
import { compilePolicies } from '../policy/policies.ts'
import type { Policies } from '../policy/policy-contract.ts'

/** The policies of a configuration, which its check has accepted; undefined if it has none. */
export function openPolicies(
  { policies, policyMode: mode, roles }: Config,
  clock: Clock,
): Policies | undefined {
  if (policies.length === 0) return undefined
  return compilePolicies(parsePolicies(policies).policies, { roles, mode, clock })
}
