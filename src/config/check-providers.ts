import { isLoopbackHost } from '../core/resource.ts'
import { checkSecret } from './check-credential.ts'
import { describeProvider, isManyTenants, type ProviderDescription } from './describe-provider.ts'
import type { RuleProblem } from './problems.ts'
import { presetOf } from './provider-presets.ts'
import type { ParsedConfig } from './schema.ts'

/** Parameters that the security of a login depends on: never from a file. */
const ownParameters = new Set([
  'client_id',
  'redirect_uri',
  'response_type',
  'response_mode',
  'scope',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'request',
  'request_uri',
])

/** One problem of a provider, with the path of the setting. */
type Wrong = readonly [path: readonly PropertyKey[], message: string]

/** The rules for identity providers that users log in with: what a preset needs, and who may log in. */
export function checkProviders({ mode, login }: Partial<ParsedConfig>): RuleProblem[] {
  const described = (login?.providers ?? []).map(describeProvider)
  return described.flatMap((provider, index) => {
    const taken = described.slice(0, index).some(({ name }) => name === provider.name)
    const wrong: Wrong[] = [
      ...(taken
        ? [[['name'], `"${provider.name}" is taken by an earlier provider: give each one a name`] as const]
        : []),
      ...checkIssuer(provider, mode),
      ...checkClient(provider),
      ...checkRequest(provider),
      ...checkAdmission(provider),
    ]
    return wrong.map(([path, message]) => ({ path: ['login', 'providers', index, ...path], message }))
  })
}

function checkIssuer(
  { preset: name, issuer, tenant }: ProviderDescription,
  mode: string | undefined,
): Wrong[] {
  const { issuerLike: like } = presetOf(name)
  if (tenant !== undefined && name !== 'entra')
    return [[['tenant'], 'works only with the preset entra: take it away']]
  if (issuer === undefined) {
    return name === 'entra'
      ? [
          [
            ['tenant'],
            'is missing: give the directory (tenant) ID of the app registration, or one of its domains',
          ],
        ]
      : [[['issuer'], `is missing: give one, such as ${like?.example ?? 'https://login.example.com'}`]]
  }
  const problem = issuerProblem(issuer, mode)
  if (problem !== undefined) return [[['issuer'], problem]]
  // Its metadata contains a template, `{tenantid}`, which the library resolves only at this host.
  if (isManyTenants(issuer) && new URL(issuer).hostname !== 'login.microsoftonline.com') {
    const message =
      'stands for many directories, which works at login.microsoftonline.com alone: name one by its directory (tenant) ID, and have a provider for each'
    return [[['issuer'], message]]
  }
  const isForeign =
    like !== undefined && !like.pattern.test(issuer) && !isLoopbackHost(new URL(issuer).hostname)
  return isForeign ? [[['issuer'], `does not fit the preset ${name}: give one such as ${like.example}`]] : []
}

/**
 * What is wrong with the address of an issuer: anyone who can change what it says can impersonate anybody
 * here.
 */
export function issuerProblem(issuer: string, mode: string | undefined): string | undefined {
  const { protocol, hostname } = new URL(issuer)
  if (protocol === 'https:') return undefined
  if (mode === 'production') return 'must be https'
  return isLoopbackHost(hostname) ? undefined : 'must be https, or on loopback in development mode'
}

function checkClient({
  preset: name,
  clientId,
  clientSecret,
  clientSecretFile,
}: ProviderDescription): Wrong[] {
  const { clientIdLike: like, needsSecret } = presetOf(name)
  const wrong: Wrong[] = []
  if (like !== undefined && !like.pattern.test(clientId))
    wrong.push([['clientId'], `must be ${like.example}`])
  if (!needsSecret && clientSecret === undefined && clientSecretFile === undefined) return wrong
  for (const [setting, message] of checkSecret('clientSecret', clientSecret, clientSecretFile, Boolean))
    wrong.push([setting === '' ? ['clientSecret'] : [setting], message])
  return wrong
}

function checkRequest({ kind, scopes, parameters }: ProviderDescription): Wrong[] {
  const wrong: Wrong[] = Object.keys(parameters)
    .filter((name) => ownParameters.has(name))
    .map((name) => [['parameters', name], 'is a parameter that Portcullis sets itself: take it away'])
  if (!/^\d{1,9}$/.test(parameters['max_age'] ?? '0'))
    wrong.push([['parameters', 'max_age'], 'must be a whole number of seconds'])
  if (kind === 'openid' && !scopes.includes('openid'))
    wrong.push([['scopes'], 'must include openid, without which there is no proof of who it is'])
  return wrong
}

function checkAdmission({ preset: name, issuer, allow, claims, label }: ProviderDescription): Wrong[] {
  const { domains, tenants, groups, anybody } = allow
  const isOpen = presetOf(name).isOpen || (issuer !== undefined && isManyTenants(issuer))
  const rule = name === 'google' ? 'domains' : name === 'github' ? 'groups' : 'tenants'
  const wrong: Wrong[] = []
  if (isOpen && !anybody && domains.length + tenants.length + groups.length === 0) {
    const message = `must say who may come in, since anybody can have an account at ${label}: allow.${rule}, or allow.anybody: true`
    wrong.push([['allow'], message])
  }
  if (tenants.length > 0 && claims.tenant === undefined)
    wrong.push([
      ['allow', 'tenants'],
      'works only with claims.tenant: set that to the name of the claim with the tenant',
    ])
  return wrong
}
