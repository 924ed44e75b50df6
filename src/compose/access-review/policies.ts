import type { ReviewedPolicy, ReviewedRole } from '../../audit/report/review.ts'
import type { Config } from '../../config/schema.ts'
import { parsePolicies, writePolicy } from '../../policy/cedar/parse.ts'

/** The policies of a configuration. */
export function reviewPolicies({ policies }: Config): ReviewedPolicy[] {
  return parsePolicies(policies).policies.map(({ name, json, placeOf }) => {
    return { name, place: placeOf(0), effect: json.effect, text: writePolicy(json) }
  })
}

/** Whether the policies of a configuration decide, as a sentence. */
export function reviewPolicyMode({ policies, policyMode }: Config): string {
  if (policies.length === 0) return 'There are none: scopes and rules alone decide.'
  if (policyMode === 'report') return 'They decide nothing yet: what they would refuse is only reported.'
  return 'Who may use what, beside scopes and rules. Nothing may be used that none permits.'
}

/** The roles that a configuration gives. */
export function reviewRoles({ roles }: Config): ReviewedRole[] {
  return Object.entries(roles).map(([name, members]) => ({ name, ...members }))
}
