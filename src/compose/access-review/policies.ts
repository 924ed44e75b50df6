import type { ReviewedPolicy, ReviewedRole } from '../../audit/report/review.ts'
import type { Config } from '../../config/schema.ts'
import { parsePolicies, writePolicy } from '../../policy/cedar/parse.ts'

/** The policies of a configuration. */
export function reviewPolicies({ policies }: Config): ReviewedPolicy[] {
  return parsePolicies(policies).policies.map(({ name, json, placeOf }) => {
    return { name, place: placeOf(0), effect: json.effect, text: writePolicy(json) }
  })
}

/** The roles that a configuration gives. */
export function reviewRoles({ roles }: Config): ReviewedRole[] {
  return Object.entries(roles).map(([name, members]) => ({ name, ...members }))
}
