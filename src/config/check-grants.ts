import { deviceCode, jwtBearer, tokenExchange } from '../core/grant-types.ts'
import type { RuleProblem } from './problems.ts'
import type { ParsedConfig } from './schema.ts'

/** The missing setting that a grant type needs, or undefined. */
export function missingSetting(grants: ParsedConfig['grants'], type: string): string | undefined {
  const isOn: Readonly<Record<string, readonly [boolean, string]>> = {
    [deviceCode]: [grants.deviceCode === 'on', 'grants.deviceCode: on'],
    [tokenExchange]: [grants.tokenExchange === 'on', 'grants.tokenExchange: on'],
    [jwtBearer]: [grants.identityAssertions.length > 0, 'an entry in grants.identityAssertions'],
  }
  const [on, setting] = isOn[type] ?? [true, '']
  return on ? undefined : setting
}

/** The rules between grants, the clients that have them, and the servers that they are for. */
export function checkGrants({ grants, clients, upstreams }: Partial<ParsedConfig>): RuleProblem[] {
  if (grants === undefined) return []
  const ofClients = (clients ?? []).flatMap(({ grantTypes, upstreams: named }, index) => {
    const at = ['clients', index]
    const off = grantTypes.flatMap((type, position) => {
      const setting = missingSetting(grants, type)
      if (setting === undefined) return []
      const problem = {
        path: [...at, 'grantTypes', position],
        message: `works only with ${setting}: add that, or take this grant type away`,
      }
      return [type === jwtBearer ? { ...problem, needs: ['grants', 'identityAssertions'] } : problem]
    })
    const unknown = (named ?? []).flatMap((name, position) =>
      upstreams === undefined || upstreams.some((upstream) => upstream.name === name)
        ? []
        : [
            {
              path: [...at, 'upstreams', position],
              message: `there is no server "${name}"`,
              needs: ['upstreams'],
            },
          ],
    )
    return [...off, ...unknown]
  })
  return [...ofClients, ...checkIssuers(grants.identityAssertions)]
}

/** Two identity providers may each have an alice, who are different people. */
function checkIssuers(issuers: ParsedConfig['grants']['identityAssertions']): RuleProblem[] {
  return issuers.flatMap(({ issuer, subjectPrefix }, index) => {
    const earlier = issuers.slice(0, index)
    const at = ['grants', 'identityAssertions', index]
    const problems: RuleProblem[] = []
    if (earlier.some((other) => other.issuer === issuer))
      problems.push({ path: [...at, 'issuer'], message: 'is listed twice' })
    if (subjectPrefix !== undefined && earlier.some((other) => other.subjectPrefix === subjectPrefix))
      problems.push({ path: [...at, 'subjectPrefix'], message: 'belongs to an earlier identity provider' })
    return problems
  })
}
