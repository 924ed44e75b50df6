import { isLoopbackHost } from '../core/resource.ts'
import { checkSecret } from './check-credential.ts'
import { issuerProblem } from './check-providers.ts'
import { describeIssuer, type IssuerDescription } from './describe-issuer.ts'
import { issuerPresetOf } from './issuer-presets.ts'
import type { RuleProblem } from './problems.ts'
import { publicUrlOf } from './public-url.ts'
import type { ParsedConfig } from './schema.ts'

const isOwn =
  'is our own authorization server, whose tokens count without it: take it away, or set authorizationServer: external'

type Wrong = readonly [path: readonly PropertyKey[], message: string]

/**
 * The rules for issuers whose access tokens are accepted, and for an installation without its own
 * authorization server.
 */
export function checkIssuers(config: Partial<ParsedConfig>): RuleProblem[] {
  const described = (config.issuers ?? []).map(describeIssuer)
  const { authorizationServer, publicUrl, listen } = config
  const own =
    authorizationServer === 'external' || listen === undefined
      ? undefined
      : publicUrlOf({ publicUrl, listen })
  const ofIssuers = described.flatMap((issuer, index) => {
    const earlier = described.slice(0, index)
    const isTaken = issuer.issuer !== undefined && earlier.some((other) => other.issuer === issuer.issuer)
    // An opaque token does not say who issued it: if several issuers were asked, one could answer for
    // another.
    const isSecond =
      issuer.introspection !== undefined && earlier.some((other) => other.introspection !== undefined)
    const wrong: Wrong[] = [
      ...(own !== undefined && issuer.issuer === own ? [[['issuer'], isOwn] as const] : []),
      ...(isTaken ? [[['issuer'], 'is listed twice'] as const] : []),
      ...(isSecond
        ? [
            [
              ['introspection'],
              'can be set for one issuer only, since an opaque token does not say whose it is: take it away here',
            ] as const,
          ]
        : []),
      ...checkAddress(issuer, config.mode),
      ...checkTokens(issuer),
    ]
    return wrong.map(([path, message]) => ({ path: ['issuers', index, ...path], message }))
  })
  return [...ofIssuers, ...checkExternal(config)]
}

function checkAddress(
  { preset: name, issuer, jwksUri }: IssuerDescription,
  mode: string | undefined,
): Wrong[] {
  const { issuerLike: like } = issuerPresetOf(name)
  if (issuer === undefined)
    return [[['issuer'], `is missing: give one, such as ${like?.example ?? 'https://login.example.com'}`]]
  const wrong: Wrong[] = []
  for (const [setting, url] of [
    ['issuer', issuer],
    ['jwksUri', jwksUri],
  ] as const) {
    const problem = url === undefined ? undefined : issuerProblem(url, mode)
    if (problem !== undefined) wrong.push([[setting], problem])
  }
  const isForeign =
    like !== undefined && !like.pattern.test(issuer) && !isLoopbackHost(new URL(issuer).hostname)
  if (isForeign) wrong.push([['issuer'], `does not fit the preset ${name}: give one such as ${like.example}`])
  return wrong
}

function checkTokens({
  preset: name,
  audiences,
  scopes,
  scopeMap,
  introspection,
}: IssuerDescription): Wrong[] {
  const preset = issuerPresetOf(name)
  const wrong: Wrong[] = []
  if (preset.audiences !== undefined && audiences === undefined)
    wrong.push([['audiences'], `is missing: give ${preset.audiences}`])
  if (preset.namesNoScopes && scopes.length === 0 && Object.keys(scopeMap).length === 0)
    wrong.push([
      ['scopes'],
      'is missing: tokens of this issuer name no scopes, so say here which they have, such as [mcp:tools]',
    ])
  if (introspection !== undefined) {
    const { clientSecret, clientSecretFile } = introspection
    for (const [setting, message] of checkSecret('clientSecret', clientSecret, clientSecretFile, Boolean))
      wrong.push([['introspection', setting === '' ? 'clientSecret' : setting], message])
  }
  return wrong
}

/**
 * Settings of the built-in authorization server have no effect without it, and must not look as if they did.
 */
function checkExternal({
  authorizationServer,
  issuers,
  login,
  clients,
  grants,
}: Partial<ParsedConfig>): RuleProblem[] {
  if (authorizationServer !== 'external') return []
  const without =
    'has no effect without an authorization server of our own: take it away, or set authorizationServer: own'
  const problems: RuleProblem[] = []
  if (issuers?.length === 0)
    problems.push({
      path: ['issuers'],
      needs: ['issuers'],
      message: 'must name the issuer of access tokens where authorizationServer is external',
    })
  if ((login?.providers.length ?? 0) > 0) problems.push({ path: ['login', 'providers'], message: without })
  if (login?.users === 'local') problems.push({ path: ['login', 'users'], message: without })
  if ((clients?.length ?? 0) > 0) problems.push({ path: ['clients'], message: without })
  if ((grants?.identityAssertions.length ?? 0) > 0)
    problems.push({ path: ['grants', 'identityAssertions'], message: without })
  return problems
}
