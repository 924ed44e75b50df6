import type { Configuration, KoaContextWithOIDC, ClientMetadata as LibraryMetadata } from 'oidc-provider'
import { parseScopes, ScopeSet } from '../core/scope.ts'
import { isToolScope, scopeCatalogue } from '../core/scope-catalogue.ts'
import { grantName, randomToken } from '../core/secret.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import { storageAdapter } from './adapter.ts'
import { refuseRedirects, requestedScopeField } from './client-metadata.ts'
import { renderLibraryError } from './error-page.ts'
import { mayIntrospectAll } from './introspection.ts'
import { errors } from './library.ts'
import { interactionPolicy } from './policy.ts'
import type { AuthorizationServerSettings, KnownClient } from './settings.ts'
import { accessTokenSeconds, refreshTokenSeconds } from './token-lifetimes.ts'

const interactionSeconds = 600
const sessionSeconds = 14 * 24 * 3600

/** Where the login and consent pages of one authorization request are. */
export const interactionPath = '/interaction'

/** What oidc-provider is told, with the keys as they are now. Every deviation from its defaults is here. */
export function libraryConfiguration(settings: AuthorizationServerSettings): Configuration {
  const { tokens, keys, secret, issuer, stepUps } = settings
  const { signing, privateJwks } = keys
  const secure = issuer.startsWith('https:')
  const cookie = { httpOnly: true, sameSite: 'lax', secure, overwrite: true } as const
  return {
    adapter: storageAdapter(settings),
    jwks: { keys: [...privateJwks] as never },
    clients: settings.clients.map(describeClient),
    findAccount: async (_context, id) => {
      const account = await settings.identity.find(id)
      return (
        account && {
          accountId: account.id,
          claims: async () => ({ sub: account.id, name: account.displayName }),
        }
      )
    },

    scopes: ['openid'],
    responseTypes: ['code'],
    pkce: { required: () => true },
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    clientDefaults: {
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    },
    extraClientMetadata: {
      properties: [requestedScopeField],
      validator: (_context, _key, _value, metadata) => {
        refuseRedirects(metadata['redirect_uris'])
        // A client that registered in the time of another algorithm must not depend on keys that have gone.
        metadata['id_token_signed_response_alg'] = signing.algorithm as never
      },
    },
    allowOmittingSingleRegisteredRedirectUri: false,

    issueRefreshToken: async (_context, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: async (context: KoaContextWithOIDC) => {
      checkRefreshResource(context)
      await stepUps.refuseRefresh(context)
      return true
    },
    expiresWithSession: async () => false,
    loadExistingGrant,
    extraTokenClaims: async (_context, token) =>
      'grantId' in token && token.grantId !== undefined ? { gid: grantName(token.grantId) } : undefined,
    ttl: {
      AccessToken: (_context, _token, client) => accessTokenSeconds(settings, client),
      ClientCredentials: (_context, _token, client) => accessTokenSeconds(settings, client),
      AuthorizationCode: tokens.codeSeconds,
      RefreshToken: (context) => refreshTokenSeconds(settings, context),
      IdToken: tokens.accessTokenSeconds,
      Interaction: interactionSeconds,
      Session: sessionSeconds,
      Grant: tokens.refreshAbsoluteSeconds,
    },

    cookies: {
      keys: [secret.derive('cookies').toString('base64url')],
      names: cookieNames(issuer),
      long: { ...cookie, signed: true, path: '/' },
      short: { ...cookie, signed: true },
    },
    interactions: {
      policy: interactionPolicy(stepUps),
      url: (_context, interaction) => `${interactionPath}/${interaction.uid}`,
    },
    renderError: renderLibraryError(),
    routes: {
      authorization: '/authorize',
      token: '/token',
      registration: '/register',
      revocation: '/revoke',
      introspection: '/introspect',
      jwks: '/jwks',
    },

    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: {
        enabled: true,
        allowedPolicy: async (_context, client, token) => token.clientId === client.clientId,
      },
      introspection: {
        enabled: true,
        allowedPolicy: async (_context, client, token) =>
          token.clientId === client.clientId || mayIntrospectAll(settings.clients, client),
      },
      registration: {
        enabled: settings.dynamicRegistration,
        issueRegistrationAccessToken: false,
        idFactory: () => randomToken(16),
        secretFactory: () => randomToken(32),
      },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: async () => true,
        defaultResource: async (_context, _client, oneOf) => oneOf ?? fallbackResource(settings),
        getResourceServerInfo: async (context, indicator) =>
          describeResource(settings, signing, context, indicator),
      },
    },
  }
}

/** Before a successor is made, since the library would look only afterwards. Throws InvalidTarget. */
function checkRefreshResource({ oidc: { params, entities } }: KoaContextWithOIDC): void {
  const granted = new Set([entities.RefreshToken?.resource ?? []].flat())
  for (const asked of [params?.['resource'] ?? []].flat()) {
    if (typeof asked !== 'string' || !granted.has(asked))
      throw new errors.InvalidTarget('the grant is for another resource')
  }
}

/** A request that names no resource means the only one there is; where there are several it must name one. */
function fallbackResource({ resources }: AuthorizationServerSettings): string {
  if (resources.fallback === undefined) throw new errors.InvalidTarget('the resource parameter is missing')
  return resources.fallback.resource
}

/** Cookies of one host are shared by all its ports, so on loopback the port keeps two installations apart. */
function cookieNames(issuer: string): { session: string; interaction: string; resume: string } {
  const { protocol, port } = new URL(issuer)
  if (protocol === 'https:') {
    return {
      session: '__Host-portcullis',
      interaction: '__Secure-portcullis-interaction',
      resume: '__Secure-portcullis-resume',
    }
  }
  const name = `portcullis-${port}`
  return { session: name, interaction: `${name}-interaction`, resume: `${name}-resume` }
}

/** One grant for each authorization: replaying the code of one must not end the others. */
async function loadExistingGrant(
  context: KoaContextWithOIDC,
): Promise<InstanceType<typeof context.oidc.provider.Grant> | undefined> {
  const grantId = context.oidc.result?.consent?.grantId
  return grantId === undefined ? undefined : context.oidc.provider.Grant.find(grantId)
}

function describeResource(
  settings: AuthorizationServerSettings,
  signing: KeyRing['signing'],
  context: KoaContextWithOIDC,
  indicator: string,
): {
  scope: string
  audience: string
  accessTokenTTL: number
  accessTokenFormat: 'jwt'
  jwt: { sign: { alg: never; kid: string } }
} {
  const { resources } = settings
  const resource = resources.find(indicator)
  if (resource === undefined) throw new errors.InvalidTarget('this resource is not protected here')
  // A person is asked about one server at a time, and a token is for one.
  if (Array.isArray(context.oidc.params?.['resource'])) throw new errors.InvalidTarget('name one resource')
  return {
    scope: availableScopes(settings, context).join(' '),
    audience: resource.resource,
    accessTokenTTL: accessTokenSeconds(settings, context.oidc.client),
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: signing.algorithm as never, kid: signing.kid } },
  }
}

/**
 * The scopes that this client may get: all of the catalogue, and of the scopes for single tools, which cannot be
 * listed, those that are asked for; within what the configuration allows the client. A person is shown what is left;
 * a machine that asks for more than it may have is told so. Throws InvalidScope.
 */
function availableScopes(
  { clients }: AuthorizationServerSettings,
  { oidc: { client, params, entities } }: KoaContextWithOIDC,
): string[] {
  const value = params?.['scope'] ?? entities.AuthorizationCode?.scope ?? entities.RefreshToken?.scope
  const asked = parseScopes(typeof value === 'string' ? value : undefined)
  const ceiling = clients.find(({ id }) => id === client?.clientId)?.scopes
  const limit = ceiling === undefined ? undefined : new ScopeSet(ceiling)
  const available = [...scopeCatalogue.map(({ scope }) => scope), ...asked.filter(isToolScope)].filter(
    (scope) => limit === undefined || limit.covers(scope.replace(/:\*$/, '')),
  )
  if (params?.['grant_type'] === 'client_credentials') {
    const refused = asked.find((scope) => !available.includes(scope))
    if (refused !== undefined) throw new errors.InvalidScope('the client may not have this scope', refused)
  }
  return available
}

function describeClient(client: KnownClient): LibraryMetadata {
  const forUsers = client.grantTypes.includes('authorization_code')
  const native = client.redirectUris.some((uri) => !uri.startsWith('https:'))
  return {
    client_id: client.id,
    client_name: client.name ?? client.id,
    redirect_uris: [...client.redirectUris],
    grant_types: [...client.grantTypes],
    response_types: forUsers ? ['code'] : [],
    application_type: native ? 'native' : 'web',
    ...(client.secret === undefined
      ? { token_endpoint_auth_method: 'none' }
      : { client_secret: client.secret, token_endpoint_auth_method: 'client_secret_basic' }),
  }
}
