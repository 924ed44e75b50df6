/** Which claims of an issuer's access tokens hold what. */
export interface TokenClaims {
  readonly scopes: readonly string[]
  readonly clientId: readonly string[]
  readonly groups: readonly string[]
  readonly roles: readonly string[]
}

/**
 * Whether an issuer refuses the parameter `resource`, ignores it, or honours it if a certain option is
 * enabled there.
 */
export type ResourceHandling = 'refused' | 'ignored' | { readonly honouredWith: string }

/** What a value looks like, with an example for operators. */
export interface ValueForm {
  readonly pattern: RegExp
  readonly example: string
}

/** What is known about the access tokens of a kind of issuer. */
export interface IssuerPreset {
  readonly issuer?: string
  readonly issuerLike?: ValueForm
  readonly tokenTypes: readonly string[]
  readonly claims: TokenClaims
  /** Why its tokens never have the URL of an MCP server as audience, so that `audiences` must be set. */
  readonly audiences?: string
  /** How it treats the parameter `resource` (RFC 8707); undefined if unknown. */
  readonly resource?: ResourceHandling
  /** Whether its tokens name no scopes, so that `scopes` must be set. */
  readonly namesNoScopes?: true
}

const standardClaims: TokenClaims = {
  scopes: ['scope', 'scp'],
  clientId: ['client_id', 'azp'],
  groups: ['groups'],
  roles: ['roles'],
}

/** The known kinds of issuers. */
export const issuerPresets = {
  entra: {
    issuerLike: {
      pattern:
        /^https:\/\/login\.microsoftonline\.(?:com|us)\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\/v2\.0$/i,
      example: 'https://login.microsoftonline.com/<directory (tenant) ID>/v2.0',
    },
    tokenTypes: ['jwt', 'at+jwt'],
    claims: { ...standardClaims, scopes: ['scp', 'roles'], clientId: ['azp', 'appid'] },
    audiences: 'the application (client) ID of the API: tokens of version 2.0 have it for `aud`',
    resource: 'refused',
  },
  keycloak: {
    issuerLike: { pattern: /\/realms\/[^/]+$/, example: 'https://keycloak.example.com/realms/company' },
    tokenTypes: ['jwt', 'at+jwt'],
    claims: { ...standardClaims, clientId: ['azp', 'client_id'], roles: ['realm_access.roles', 'roles'] },
    resource: { honouredWith: 'the feature resource-indicators, which is experimental' },
  },
  auth0: {
    issuerLike: {
      pattern: /^https?:\/\/[^/]+\/$/,
      example: 'https://company.eu.auth0.com/ with the slash at the end',
    },
    tokenTypes: ['jwt', 'at+jwt'],
    claims: { ...standardClaims, scopes: ['scope', 'permissions'], clientId: ['azp', 'client_id'] },
    resource: { honouredWith: 'the Resource Parameter Compatibility Profile' },
  },
  okta: {
    issuerLike: {
      pattern: /^https?:\/\/[^/]+\/oauth2\/[^/]+$/,
      example:
        'https://company.okta.com/oauth2/default: tokens of the org itself can be verified by Okta alone',
    },
    tokenTypes: ['jwt', 'at+jwt', 'application/okta-internal-at+jwt'],
    claims: { ...standardClaims, scopes: ['scp', 'scope'], clientId: ['cid', 'client_id'] },
    resource: 'ignored',
  },
  google: {
    issuer: 'https://accounts.google.com',
    tokenTypes: ['jwt'],
    claims: { ...standardClaims, scopes: [], clientId: ['azp'] },
    audiences: 'the audience for which service accounts get their identity tokens',
    resource: 'ignored',
    namesNoScopes: true,
  },
} as const satisfies Record<string, IssuerPreset>

/** For an issuer that is none of these: plain RFC 9068. */
const plainIssuer: IssuerPreset = { tokenTypes: ['at+jwt'], claims: standardClaims }

/** The names of the presets. */
export const issuerPresetNames = Object.keys(issuerPresets) as (keyof typeof issuerPresets)[]

/** What is known about a kind of issuer, or the plain one if no preset is named. */
export function issuerPresetOf(name: keyof typeof issuerPresets | undefined): IssuerPreset {
  return name === undefined ? plainIssuer : issuerPresets[name]
}
