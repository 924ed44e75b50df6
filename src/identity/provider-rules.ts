import type { IdentityFacts } from '../storage/identity-contract.ts'

/** Who of a provider's users may come in. A list that is empty asks for nothing. */
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
 * Says why a user may not come in, for the operator, or undefined. A domain or tenant that a rule needs and nobody vouches
 * for is a no. Whoever is in no group may be told by silence, so `deny.groups` lets pass whose groups are not told.
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
