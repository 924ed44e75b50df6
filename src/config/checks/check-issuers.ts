import { describeIssuer, type IssuerDescription } from '../describe-issuer.ts'
import { issuerPresetOf } from '../issuer-presets.ts'
import { problem, type RuleProblem, within } from '../problems.ts'
import { publicUrlOf } from '../public-url.ts'
import type { ParsedConfig } from '../schema.ts'
import { checkClientSecret } from './check-credential.ts'
import { issuerUrlProblem, missingIssuer, presetProblem } from './check-issuer-url.ts'
import { duplicates } from './duplicates.ts'

const isOwn =
  'is our own authorization server, whose tokens count without it: take it away, or set authorizationServer: external'
const isSecond =
  'can be set for one issuer only, since an opaque token does not say whose it is: take it away here'

/**
 * The rules for issuers whose access tokens are accepted, and for an installation without its own
 * authorization server.
 */
export function checkIssuers(config: Partial<ParsedConfig>): RuleProblem[] {
  const described = (config.issuers ?? []).map(describeIssuer)
  const own = ownIssuer(config)
  const takenIssuers = duplicates(described.map(({ issuer }) => issuer))
  const firstAsked = described.findIndex(({ introspection }) => introspection !== undefined)
  const ofIssuers = described.flatMap((issuer, index) => {
    const problems: RuleProblem[] = []
    if (own !== undefined && issuer.issuer === own) problems.push(problem(['issuer'], isOwn))
    if (takenIssuers.has(index)) problems.push(problem(['issuer'], 'is listed twice'))
    // If several issuers were asked about an opaque token, one could answer for another.
    if (issuer.introspection !== undefined && index > firstAsked)
      problems.push(problem(['introspection'], isSecond))
    problems.push(...checkAddress(issuer, config.mode), ...checkTokens(issuer))
    return within(['issuers', index], problems)
  })
  return [...ofIssuers, ...checkExternal(config)]
}

function ownIssuer({ authorizationServer, publicUrl, listen }: Partial<ParsedConfig>): string | undefined {
  return authorizationServer === 'external' || listen === undefined
    ? undefined
    : publicUrlOf({ publicUrl, listen })
}

function checkAddress(
  { preset: name, issuer, jwksUri }: IssuerDescription,
  mode: string | undefined,
): RuleProblem[] {
  const { issuerLike } = issuerPresetOf(name)
  if (issuer === undefined) return [problem(['issuer'], missingIssuer(issuerLike))]
  const found = [
    ['issuer', issuerUrlProblem(issuer, mode)],
    ['jwksUri', jwksUri === undefined ? undefined : issuerUrlProblem(jwksUri, mode)],
    ['issuer', presetProblem(issuer, name, issuerLike)],
  ] as const
  return found.flatMap(([setting, message]) => (message === undefined ? [] : [problem([setting], message)]))
}

function checkTokens({
  preset: name,
  audiences,
  scopes,
  scopeMap,
  introspection,
}: IssuerDescription): RuleProblem[] {
  const preset = issuerPresetOf(name)
  const problems: RuleProblem[] = []
  if (preset.audiences !== undefined && audiences === undefined)
    problems.push(problem(['audiences'], `is missing: give ${preset.audiences}`))
  if (preset.namesNoScopes && scopes.length === 0 && Object.keys(scopeMap).length === 0) {
    const message =
      'is missing: tokens of this issuer name no scopes, so say here which they have, such as [mcp:tools]'
    problems.push(problem(['scopes'], message))
  }
  if (introspection !== undefined)
    problems.push(...within(['introspection'], checkClientSecret(introspection)))
  return problems
}

/**
 * Settings of the built-in authorization server have no effect without it, and must not look as if they did.
 */
function checkExternal({
  authorizationServer,
  issuers,
  login,
  clients = [],
  grants,
}: Partial<ParsedConfig>): RuleProblem[] {
  if (authorizationServer !== 'external') return []
  const without =
    'has no effect without an authorization server of our own: take it away, or set authorizationServer: own'
  const problems: RuleProblem[] = []
  if (issuers?.length === 0) {
    const message = 'must name the issuer of access tokens where authorizationServer is external'
    problems.push(problem(['issuers'], message, ['issuers']))
  }
  if ((login?.providers.length ?? 0) > 0) problems.push(problem(['login', 'providers'], without))
  if (login?.users === 'local') problems.push(problem(['login', 'users'], without))
  if (clients.length > 0) problems.push(problem(['clients'], without))
  if ((grants?.identityAssertions.length ?? 0) > 0)
    problems.push(problem(['grants', 'identityAssertions'], without))
  for (const name of ['deviceCode', 'tokenExchange'] as const)
    if (grants?.[name] === 'on') problems.push(problem(['grants', name], without))
  return problems
}
