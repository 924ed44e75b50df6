import type { Configuration, KoaContextWithOIDC, ClientMetadata as LibraryMetadata } from 'oidc-provider'
import { proofAlgorithms } from '../../core/dpop.ts'
import { assertionAlgorithms } from '../../core/public-keys.ts'
import { grantName, keyedDigest, randomToken } from '../../core/secret.ts'
import type { KeyRing } from '../../keys/key-ring.ts'
import { availableScopes } from '../consent/available-scopes.ts'
import { interactionPolicy } from '../consent/policy.ts'
import { cookieNames, longCookie, shortCookie } from '../cookies.ts'
import { renderLibraryError } from '../error-page.ts'
import { absentGrants } from '../grant-types/absent-grants.ts'
import { checkTarget } from '../grant-types/client-checks.ts'
import { grantFeatures } from '../grant-types/grant-features.ts'
import { confirmUser } from '../login/confirm-user.ts'
import { findAccount, groupsAndRoles } from '../login/find-account.ts'
import { endpointPaths, interactionPath } from '../paths.ts'
import { checkMetadata, ownFields } from '../registration/check-metadata.ts'
import { checkClientAssertion } from '../registration/client-assertions.ts'
import { requestedScopeField } from '../registration/client-fields.ts'
import { registeredClientId, registrationDefaults } from '../registration/client-id.ts'
import { clientSecretHash } from '../registration/client-secret-hash.ts'
import { documentFeature } from '../registration/documents.ts'
import { operatorMetadata } from '../registration/operator-client.ts'
import { documentBytes } from '../registration/tidy-document.ts'
import { sessionSeconds } from '../session.ts'
import type { AuthorizationServerSettings, KnownClient } from '../settings.ts'
import { mayIntrospectAll } from '../tokens/access-tokens.ts'
import { implyGrantedScopes, refreshedScopes } from '../tokens/refresh-scopes.ts'
import { externalKeys } from '../tokens/signing-keys.ts'
import { accessTokenSeconds, grantedTokenSeconds, refreshTokenSeconds } from '../tokens/token-lifetimes.ts'
import { storageAdapter } from './adapter.ts'
import { errors } from './library.ts'

const interactionSeconds = 600
const deviceCodeSeconds = 600

/** What oidc-provider is told, with the keys as they are now. Every deviation from its defaults is here. */
export function libraryConfiguration(
  settings: AuthorizationServerSettings,
  fetch: NonNullable<Configuration['fetch']>,
): Configuration {
  const { tokens, keys, secret, site, stepUps, registration } = settings
  const { signing } = keys
  const absent = absentGrants(settings)
  const registrationDigest = keyedDigest(secret.derive('registration'))
  const names = cookieNames(site)
  return {
    adapter: storageAdapter(settings),
    jwks: { keys: externalKeys(keys.all) },
    clients: settings.clients.map((client) => describeClient(client, clientSecretHash(secret))),
    fetch,
    fetchResponseBodyLimits: { 'client_id metadata document': documentBytes },
    findAccount: (_context, id) => findAccount(settings, id),

    scopes: ['openid'],
    claims: { openid: ['sub', 'name'] },
    responseTypes: ['code'],
    pkce: { required: () => true },
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    assertJwtClientAuthClaimsAndHeader: checkClientAssertion(settings),
    // No HMAC: only the hash of a client's secret is known here.
    enabledJWA: {
      clientAuthSigningAlgValues: [...assertionAlgorithms],
      dPoPSigningAlgValues: [...proofAlgorithms],
    },
    clientDefaults: {
      token_endpoint_auth_method: 'none',
      ...registrationDefaults,
    },
    extraClientMetadata: {
      properties: [...ownFields],
      // Called for each property; once is enough.
      validator: (_context, key, _value, metadata) => {
        if (key !== requestedScopeField) return
        checkMetadata(metadata, { privateUse: registration.privateUseRedirects, absent })
        // A client that registered while another algorithm was in use must not depend on keys that are gone.
        metadata['id_token_signed_response_alg'] = signing.algorithm as never
      },
    },
    allowOmittingSingleRegisteredRedirectUri: false,

    issueRefreshToken: async (_context, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: async (context: KoaContextWithOIDC) => {
      checkRefreshResource(context)
      implyGrantedScopes(settings.scopes, context)
      await confirmUser(settings, context)
      await stepUps.refuseRefresh(context, refreshedScopes(settings.scopes, context))
      return true
    },
    expiresWithSession: async () => false,
    loadExistingGrant,
    extraTokenClaims: async (context, token) =>
      'grantId' in token && token.grantId !== undefined
        ? { gid: grantName(token.grantId), ...groupsAndRoles(context.oidc.account) }
        : // What our own grants add to the token: who delegated it, and whose grant ends it.
          token.extra,
    ttl: {
      AccessToken: (context, _token, client) => grantedTokenSeconds(settings, context, client),
      ClientCredentials: (_context, _token, client) => accessTokenSeconds(settings, client),
      AuthorizationCode: tokens.codeSeconds,
      DeviceCode: deviceCodeSeconds,
      RefreshToken: (context) => refreshTokenSeconds(settings, context),
      IdToken: tokens.accessTokenSeconds,
      Interaction: interactionSeconds,
      // The device page begins a session for anyone who looks at it.
      Session: (_context, { accountId, loginTs }) =>
        accountId === undefined ? interactionSeconds : sessionSeconds(settings, loginTs),
      Grant: tokens.refreshAbsoluteSeconds,
    },

    cookies: {
      keys: [secret.derive('cookies').toString('base64url')],
      names: { session: names.session, interaction: names.interaction, resume: names.resume },
      long: longCookie(site),
      short: shortCookie(site),
    },
    interactions: {
      policy: interactionPolicy(settings),
      url: (_context, interaction) => site.path(interactionPath(interaction.uid)),
    },
    renderError: renderLibraryError(site),
    routes: endpointPaths,

    features: {
      devInteractions: { enabled: false },
      externalSigningSupport: { enabled: true, ack: 'experimental-01' },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      ...grantFeatures(settings),
      revocation: {
        enabled: true,
        allowedPolicy: async (_context, client, token) => token.clientId === client.clientId,
      },
      introspection: {
        enabled: true,
        allowedPolicy: async (_context, client, token) =>
          token.clientId === client.clientId || mayIntrospectAll(client),
      },
      registration: {
        enabled: registration.dynamic !== 'off',
        initialAccessToken: registration.dynamic === 'token' && registration.initialAccessToken,
        issueRegistrationAccessToken: false,
        idFactory: ({ oidc }) => registeredClientId(registrationDigest, oidc.body ?? {}),
        secretFactory: () => randomToken(32),
      },
      clientIdMetadataDocument: documentFeature(settings),
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

/**
 * Checked before a successor is made, since the library would check only afterwards. Throws InvalidTarget.
 */
function checkRefreshResource({ oidc: { params, entities } }: KoaContextWithOIDC): void {
  const granted = new Set([entities.RefreshToken?.resource ?? []].flat())
  for (const asked of [params?.['resource'] ?? []].flat()) {
    if (typeof asked !== 'string' || !granted.has(asked))
      throw new errors.InvalidTarget('the grant is for another resource')
  }
}

/** A request that names no resource means the only one; if there are several, it must name one. */
function fallbackResource({ resources }: AuthorizationServerSettings): string {
  if (resources.fallback !== undefined) return resources.fallback.resource
  throw new errors.InvalidTarget(
    'the resource parameter is missing: it is the URL of one of the MCP servers here',
  )
}

/** One grant for each authorization, since replaying the code of one must not end the others. */
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
  accessTokenFormat: 'jwt'
  jwt: { sign: { alg: never; kid: string } }
} {
  const { resources } = settings
  const resource = resources.find(indicator)
  if (resource === undefined)
    throw new errors.InvalidTarget('the resource parameter is not the URL of an MCP server here')
  checkTarget(context, resource)
  if (!resource.takesProofs) refuseProof(context)
  // A user is asked about one server at a time, and a token is for one.
  if (Array.isArray(context.oidc.params?.['resource'])) throw new errors.InvalidTarget('name one resource')
  return {
    scope: availableScopes(settings.scopes, context).join(' '),
    audience: resource.resource,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: signing.algorithm as never, kid: signing.kid } },
  }
}

/**
 * A token that is bound to a key would be refused by a server that takes no proofs. Throws InvalidRequest, or
 * InvalidGrant for a refresh token from before that, with which no other request would do.
 */
function refuseProof(context: KoaContextWithOIDC): void {
  if (context.oidc.entities.RefreshToken?.jkt !== undefined)
    throw new errors.InvalidGrant(
      'the refresh token is bound to a key, and this server no longer takes such tokens',
    )
  if (context.get('DPoP') !== '' || context.oidc.params?.['dpop_jkt'] !== undefined)
    throw new errors.InvalidRequest('this server takes no tokens that are bound to a key: send no DPoP proof')
}

function describeClient(client: KnownClient, hash: ReturnType<typeof clientSecretHash>): LibraryMetadata {
  const { id, secret, jwks } = client
  const method =
    jwks !== undefined ? 'private_key_jwt' : secret === undefined ? 'none' : 'client_secret_basic'
  return {
    client_id: id,
    ...operatorMetadata(client, method),
    ...(secret === undefined ? {} : { client_secret: hash(id, secret) }),
  }
}
