import type { IdentityFacts } from '../storage/identity-contract.ts'

/** Which users of a provider are admitted. An empty list requires nothing. */
export interface AdmissionRules {
  readonly allow: {
    readonly domains: readonly string[]
    readonly tenants: readonly string[]
    readonly groups: readonly string[]
  }
  readonly deny: {
    readonly domains: readonly string[]
    readonly groups: readonly string[]
  }
}

/**
 * Explains, for the operator, why a user is not admitted, or returns undefined. If a rule needs a domain or
 * tenant and nobody vouches for one, the user is not admitted. For a user who is in no group, the claim may
 * be left out, so `deny.groups` admits users without known groups.
 */
export function admissionProblem(facts: IdentityFacts, { allow, deny }: AdmissionRules): string | undefined {
  const { domain, tenant, groups } = facts
  const isIn = (list: readonly string[], value: string | undefined): boolean =>
    value !== undefined && list.includes(value)
  if (allow.domains.length > 0 && !isIn(allow.domains, domain))
    return domain === undefined ? 'no verified domain' : `the domain ${domain} is not allowed`
  if (allow.tenants.length > 0 && !isIn(allow.tenants, tenant))
    return tenant === undefined ? 'no tenant' : `the tenant ${tenant} is not allowed`
  if (allow.groups.length > 0 && !allow.groups.some((group) => groups.includes(group)))
    return 'in none of the groups that are allowed'
  if (deny.domains.length > 0 && domain === undefined)
    return 'no verified domain, of which a rule refuses some'
  if (isIn(deny.domains, domain)) return `the domain ${domain} is refused`
  const refused = deny.groups.find((group) => groups.includes(group))
  return refused === undefined ? undefined : `the group ${refused} is refused`
}
