import { deviceCodeGrant, jwtBearerGrant, tokenExchangeGrant } from '../../core/grant-types.ts'
import { problem, type RuleProblem } from '../problems.ts'
import type { ParsedConfig } from '../schema.ts'
import { duplicates } from './duplicates.ts'

type Grants = ParsedConfig['grants']

/** The missing setting that a grant type needs, or undefined. */
export function missingSetting(grants: Grants, type: string): string | undefined {
  if (type === deviceCodeGrant && grants.deviceCode === 'off') return 'grants.deviceCode: on'
  if (type === tokenExchangeGrant && grants.tokenExchange === 'off') return 'grants.tokenExchange: on'
  if (type === jwtBearerGrant && grants.identityAssertions.length === 0)
    return 'an entry in grants.identityAssertions'
  return undefined
}

/** The rules between grants, the clients that have them, and the servers that they are for. */
export function checkGrants({ grants, clients = [], upstreams }: Partial<ParsedConfig>): RuleProblem[] {
  if (grants === undefined) return []
  const ofClients = clients.flatMap(({ grantTypes, upstreams: named = [] }, index) => {
    const at = ['clients', index]
    const off = grantTypes.flatMap((type, position) => {
      const setting = missingSetting(grants, type)
      if (setting === undefined) return []
      const message = `works only with ${setting}: add that, or take this grant type away`
      const needs = type === jwtBearerGrant ? ['grants', 'identityAssertions'] : undefined
      return [problem([...at, 'grantTypes', position], message, needs)]
    })
    const unknown = named.flatMap((name, position) => {
      const isKnown = upstreams === undefined || upstreams.some((upstream) => upstream.name === name)
      const path = [...at, 'upstreams', position]
      return isKnown ? [] : [problem(path, `there is no server "${name}"`, ['upstreams'])]
    })
    return [...off, ...unknown]
  })
  return [...ofClients, ...checkIdentityAssertions(grants.identityAssertions)]
}

/** Two identity providers may each have an alice, who are different people. */
function checkIdentityAssertions(providers: Grants['identityAssertions']): RuleProblem[] {
  const takenIssuers = duplicates(providers.map(({ issuer }) => issuer))
  const takenPrefixes = duplicates(providers.map(({ subjectPrefix }) => subjectPrefix))
  return providers.flatMap((_, index) => {
    const at = ['grants', 'identityAssertions', index]
    return [
      ...(takenIssuers.has(index) ? [problem([...at, 'issuer'], 'is listed twice')] : []),
      ...(takenPrefixes.has(index)
        ? [problem([...at, 'subjectPrefix'], 'belongs to an earlier identity provider')]
        : []),
    ]
  })
}
