import {
  describeProvider,
  isManyTenants,
  isOpenToAll,
  type ProviderDescription,
} from '../describe-provider.ts'
import { problem, type RuleProblem, within } from '../problems.ts'
import { presetAt, presetOf } from '../provider-presets.ts'
import type { ParsedConfig } from '../schema.ts'
import { checkClientSecret } from './check-credential.ts'
import { issuerUrlProblem, missingIssuer, presetProblem } from './check-issuer-url.ts'
import { duplicates } from './duplicates.ts'

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

/** The rules for identity providers that users log in with: what a preset needs, and who may log in. */
export function checkProviders({ mode, login }: Partial<ParsedConfig>): RuleProblem[] {
  const described = (login?.providers ?? []).map(describeProvider)
  const takenNames = duplicates(described.map(({ name }) => name))
  return described.flatMap((provider, index) => {
    const message = `"${provider.name}" is taken by an earlier provider: give each one a name`
    return within(
      ['login', 'providers', index],
      [
        ...(takenNames.has(index) ? [problem(['name'], message)] : []),
        ...checkIssuer(provider, mode),
        ...checkClient(provider),
        ...checkRequest(provider),
        ...checkKind(provider),
        ...checkAdmission(provider),
      ],
    )
  })
}

function checkIssuer(
  { preset: name, issuer, tenant }: ProviderDescription,
  mode: string | undefined,
): RuleProblem[] {
  const { issuerLike } = presetOf(name)
  if (tenant !== undefined && name !== 'entra')
    return [problem(['tenant'], 'works only with the preset entra: take it away')]
  if (issuer === undefined && name === 'entra') {
    const message =
      'is missing: give the directory (tenant) ID of the app registration, or one of its domains'
    return [problem(['tenant'], message)]
  }
  const message =
    issuer === undefined
      ? missingIssuer(issuerLike)
      : (issuerUrlProblem(issuer, mode) ??
        manyTenantsProblem(issuer) ??
        presetProblem(issuer, name, issuerLike))
  return message === undefined ? [] : [problem(['issuer'], message)]
}

/** Metadata for many tenants contains a template, `{tenantid}`, which the library resolves at one host only. */
function manyTenantsProblem(issuer: string): string | undefined {
  return isManyTenants(issuer) && new URL(issuer).hostname !== 'login.microsoftonline.com'
    ? 'stands for many directories, which works at login.microsoftonline.com alone: name one by its directory (tenant) ID, and have a provider for each'
    : undefined
}

function checkClient(provider: ProviderDescription): RuleProblem[] {
  const { preset, clientId, clientSecret, clientSecretFile } = provider
  const { clientIdLike: like, needsSecret } = presetOf(preset)
  const isSecretFree = !needsSecret && clientSecret === undefined && clientSecretFile === undefined
  return [
    ...(like === undefined || like.pattern.test(clientId)
      ? []
      : [problem(['clientId'], `must be ${like.example}`)]),
    ...(isSecretFree ? [] : checkClientSecret(provider)),
  ]
}

function checkRequest({ kind, scopes, parameters }: ProviderDescription): RuleProblem[] {
  const problems = Object.keys(parameters)
    .filter((name) => ownParameters.has(name))
    .map((name) => problem(['parameters', name], 'is a parameter that Portcullis sets itself: take it away'))
  if (!/^\d{1,9}$/.test(parameters['max_age'] ?? '0'))
    problems.push(problem(['parameters', 'max_age'], 'must be a whole number of seconds'))
  if (kind === 'openid' && !scopes.includes('openid'))
    problems.push(problem(['scopes'], 'must include openid, without which there is no proof of who it is'))
  return problems
}

/** GitHub speaks no OpenID Connect: what needs it must not look as if it were kept. */
function checkKind({ kind, parameters, logout }: ProviderDescription): RuleProblem[] {
  if (kind === 'openid') return []
  const age =
    'does not work with the preset github, which says of no login how old it is: take it away, or sign people in elsewhere'
  const end = 'must be here with the preset github, which lets nobody sign people out there'
  return [
    ...(parameters['max_age'] === undefined ? [] : [problem(['parameters', 'max_age'], age)]),
    ...(logout === 'here' ? [] : [problem(['logout'], end)]),
  ]
}

/** The rule of `allow` that fits a preset best; `tenants` for the others. */
const admissionRules: Readonly<Record<string, string>> = { google: 'domains', github: 'groups' }

function checkAdmission({ preset, issuer, allow, claims, label }: ProviderDescription): RuleProblem[] {
  const { domains, tenants, groups, anybody } = allow
  const problems: RuleProblem[] = []
  if (isOpenToAll({ preset, issuer }) && !anybody && domains.length + tenants.length + groups.length === 0) {
    const rule = admissionRules[preset ?? presetAt(issuer ?? '') ?? ''] ?? 'tenants'
    const message = `must say who may come in, since anybody can have an account at ${label}: allow.${rule}, or allow.anybody: true`
    problems.push(problem(['allow'], message))
  }
  if (tenants.length > 0 && claims.tenant === undefined) {
    const message = 'works only with claims.tenant: set that to the name of the claim with the tenant'
    problems.push(problem(['allow', 'tenants'], message))
  }
  return problems
}
