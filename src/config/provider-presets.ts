/** Where a provider says what of a user, by the names of claims. */
export interface ProviderClaims {
  readonly name: readonly string[]
  readonly email: string
  readonly emailVerified: string | undefined
  readonly domain: string | undefined
  readonly tenant: string | undefined
  readonly groups: readonly string[]
  readonly roles: readonly string[]
}

/** What is known of a kind of identity provider. */
export interface ProviderPreset {
  readonly label: string
  /** The issuer, where there is one for everybody; else what it looks like. */
  readonly issuer?: string
  readonly issuerLike?: { readonly pattern: RegExp; readonly example: string }
  readonly clientIdLike?: { readonly pattern: RegExp; readonly example: string }
  readonly scopes: readonly string[]
  readonly parameters: Readonly<Record<string, string>>
  readonly userinfo: boolean
  readonly claims: ProviderClaims
  /** Whether anybody in the world can have an account there. */
  readonly isOpen: boolean
  /** Whether clients there have secrets, always. */
  readonly needsSecret: boolean
}

const standardClaims: ProviderClaims = {
  name: ['name', 'preferred_username', 'email'],
  email: 'email',
  emailVerified: 'email_verified',
  domain: undefined,
  tenant: undefined,
  groups: ['groups'],
  roles: ['roles'],
}

const scopes = ['openid', 'profile', 'email', 'offline_access']
const standard = {
  scopes,
  parameters: {},
  userinfo: false,
  claims: standardClaims,
  isOpen: false,
  needsSecret: true,
}

/** The kinds of identity providers whose ways are known. */
export const providerPresets = {
  keycloak: {
    ...standard,
    label: 'Keycloak',
    issuerLike: { pattern: /\/realms\/[^/]+$/, example: 'https://keycloak.example.com/realms/company' },
    claims: { ...standardClaims, roles: ['realm_access.roles', 'roles'] },
  },
  entra: {
    ...standard,
    label: 'Microsoft',
    issuerLike: {
      pattern: /^https:\/\/login\.microsoftonline\.(?:com|us)\/[^/]+\/v2\.0$/,
      example: 'https://login.microsoftonline.com/<tenant>/v2.0',
    },
    clientIdLike: {
      pattern: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
      example: 'the application (client) ID of the app registration: 00000000-0000-0000-0000-000000000000',
    },
    // An address there is what an administrator typed. Only this claim says that its domain was proven.
    claims: { ...standardClaims, emailVerified: 'xms_edov', tenant: 'tid' },
  },
  auth0: {
    ...standard,
    label: 'Auth0',
    issuerLike: {
      pattern: /^https?:\/\/[^/]+\/$/,
      example: 'https://company.eu.auth0.com/ with the slash at the end',
    },
    claims: { ...standardClaims, tenant: 'org_id' },
  },
  okta: {
    ...standard,
    label: 'Okta',
    issuerLike: {
      pattern: /^https?:\/\/[^/]+(?:\/oauth2\/[^/]+)?$/,
      example: 'https://company.okta.com or https://company.okta.com/oauth2/default',
    },
    userinfo: true,
  },
  google: {
    ...standard,
    label: 'Google',
    issuer: 'https://accounts.google.com',
    clientIdLike: {
      pattern: /\.apps\.googleusercontent\.com$/,
      example: 'the client ID of an OAuth client: 1234-abcd.apps.googleusercontent.com',
    },
    scopes: ['openid', 'profile', 'email'],
    // Google gives a refresh token for the first alone, and again only where the user is asked again.
    parameters: { access_type: 'offline', prompt: 'consent' },
    claims: { ...standardClaims, domain: 'hd', tenant: 'hd' },
    isOpen: true,
  },
  github: {
    ...standard,
    label: 'GitHub',
    issuer: 'https://github.com',
    scopes: ['read:user', 'user:email', 'read:org'],
    claims: { ...standardClaims, name: ['name', 'login'] },
    isOpen: true,
  },
} as const satisfies Record<string, ProviderPreset>

/** For a provider that is none of these: OpenID Connect as it is written. */
const plainProvider: ProviderPreset = {
  ...standard,
  label: 'your identity provider',
  needsSecret: false,
}

/** The names of the presets. */
export const providerPresetNames = Object.keys(providerPresets) as (keyof typeof providerPresets)[]

/** What is known of a kind of provider; of none in particular where no preset is named. */
export function presetOf(name: keyof typeof providerPresets | undefined): ProviderPreset {
  return name === undefined ? plainProvider : providerPresets[name]
}
