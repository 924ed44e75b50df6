import type { Config } from '../config/schema.ts'

/** The policies of a configuration in a few words, as a named row; none if it has none. */
export function describePolicies({
  policies,
  policyMode,
}: Pick<Config, 'policies' | 'policyMode'>): (readonly [string, string])[] {
  if (policies.length === 0) return []
  const files = policies.map(({ file }) => file).join(', ')
  const weight = policyMode === 'enforce' ? 'decide who may use what' : 'only report what they would refuse'
  return [['policies', `${files}  (they ${weight})`]]
}
