import type { ValueForm } from './issuer-presets.ts'

/** Which claims of a provider hold what about a user. */
export interface ProviderClaims {
  readonly name: readonly string[]
  readonly email: string
  readonly emailVerified: string | undefined
  readonly domain: string | undefined
  readonly tenant: string | undefined
  readonly groups: readonly string[]
  readonly roles: readonly string[]
}

/** What is known about a kind of identity provider. */
export interface ProviderPreset {
  readonly label: string
  /** The issuer, if it is the same for everybody; otherwise a pattern and an example. */
  readonly issuer?: string
  readonly issuerLike?: ValueForm
  readonly clientIdLike?: ValueForm
  readonly scopes: readonly string[]
  readonly parameters: Readonly<Record<string, string>>
  readonly userinfo: boolean
  readonly claims: ProviderClaims
  /** Whether anyone in the world can have an account there. */
  readonly isOpen: boolean
  /** Whether clients there always have secrets. */
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

/** The known kinds of identity providers. */
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
    // An address there is whatever an administrator typed. Only this claim says that its domain was verified.
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
    // Google gives a refresh token only the first time, and again only if the user is asked again.
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

/** For a provider that is none of these: standard OpenID Connect. */
const plainProvider: ProviderPreset = {
  ...standard,
  label: 'your identity provider',
  needsSecret: false,
}

/** The names of the presets. */
export const providerPresetNames = Object.keys(providerPresets) as (keyof typeof providerPresets)[]

/** What is known about a kind of provider, or the plain one if no preset is named. */
export function presetOf(name: keyof typeof providerPresets | undefined): ProviderPreset {
  return name === undefined ? plainProvider : providerPresets[name]
}

/** The name of the preset that has this issuer for everybody, if there is one. */
export function presetAt(issuer: string): keyof typeof providerPresets | undefined {
  return providerPresetNames.find((name) => presetOf(name).issuer === issuer)
}
