import { checkPolicies as check } from '../../policy/check-policies.ts'
import { problem, type RuleProblem } from '../problems.ts'
import type { ParsedConfig } from '../schema.ts'

/** The rules for policies: they can be read, and speak of what there is. */
export function checkPolicies({
  policies,
  policyMode,
  roles = {},
  upstreams,
  issuers,
  authorizationServer,
}: Partial<ParsedConfig>): RuleProblem[] {
  // Without the servers or the issuers, which are themselves wrong, nothing can be said.
  if (policies === undefined || upstreams === undefined || issuers === undefined) return []
  if (policies.length === 0) {
    const message = 'works only with policies: name their files in policies'
    const settings = [
      ...(Object.keys(roles).length === 0 ? [] : ['roles']),
      ...(policyMode === 'report' ? ['policyMode'] : []),
    ]
    return settings.map((setting) => problem([setting], message, ['policies']))
  }
  const servers = upstreams.map(({ name }) => name)
  const count = issuers.length + (authorizationServer === 'external' ? 0 : 1)
  return check(policies, { servers, issuers: count }).map(({ index, message }) =>
    problem(['policies', index], message),
  )
}
