import type { ReviewedIssuer } from '../../audit/report/review.ts'
import { describeIssuer } from '../../config/describe-issuer.ts'
import { describeProvider } from '../../config/describe-provider.ts'
import type { Config } from '../../config/schema.ts'

/** All other parties whose statements give access, according to the configuration. */
export function reviewIssuers({ issuers, login, grants }: Config): ReviewedIssuer[] {
  return [
    ...issuers.map((setting) => {
      const { issuer = '', audiences, scopes, scopeMap, claims } = describeIssuer(setting)
      return {
        issuer,
        kind: 'its access tokens',
        accepts: audiences === undefined ? 'tokens for a server here' : `tokens for ${audiences.join(', ')}`,
        gives: [
          ...(scopes.length === 0 ? [] : [`every token: ${scopes.join(' ')}`]),
          ...Object.entries(scopeMap).map(([name, meant]) => `${name}: ${meant.join(' ')}`),
          `the scopes of the token (${claims.scopes.join(', ')})`,
          `groups in ${claims.groups.join(', ')}, roles in ${claims.roles.join(', ')}`,
        ],
      }
    }),
    ...login.providers.map((setting) => {
      const { issuer = '', name, allow, deny, claims } = describeProvider(setting)
      const rules = [
        ...Object.entries({ domains: allow.domains, tenants: allow.tenants, groups: allow.groups }),
        ...Object.entries({ 'not of the domains': deny.domains, 'not in the groups': deny.groups }),
      ].flatMap(([what, values]) => (values.length === 0 ? [] : [`${what} ${values.join(', ')}`]))
      return {
        issuer,
        kind: `who somebody is (provider ${name})`,
        accepts: rules.length === 0 ? 'everybody with an account there' : rules.join('; '),
        gives: [
          'what they grant to clients',
          `groups in ${(claims.groups ?? []).join(', ') || 'no claim'}, roles in ${(claims.roles ?? []).join(', ') || 'no claim'}`,
        ],
      }
    }),
    ...grants.identityAssertions.map(({ issuer, tenant }) => ({
      issuer,
      kind: 'its identity assertions',
      accepts: `${tenant === undefined ? 'its people' : `the people of its tenant ${tenant}`}, through clients with the grant type jwt-bearer`,
      gives: ['the scopes of the assertion, within those of the client'],
    })),
  ]
}
