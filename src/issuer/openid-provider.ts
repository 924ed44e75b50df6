import { compactVerify } from 'jose'
import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  type ClientAuth,
  type Configuration,
  calculatePKCECodeChallenge,
  fetchUserInfo,
  type IDToken,
  None,
  refreshTokenGrant,
  type TokenEndpointResponse,
  type TokenEndpointResponseHelpers,
  WWWAuthenticateChallengeError,
} from 'openid-client'
import type { Claims } from '../core/claims.ts'
import type { Clock } from '../core/clock.ts'
import { mediaTypeOf } from '../http/media-type.ts'
import type { OperatorFetch } from '../http/operator-fetch.ts'
import {
  type LoginProvider,
  type ProvenIdentity,
  ProviderAway,
  ProviderRefused,
  type RenewedIdentity,
} from '../identity/provider-contract.ts'
import { cacheMetadata } from './cached-metadata.ts'
import { type ClientSecret, secretAuthentication } from './client-secret.ts'
import { discoverIssuer } from './discover-issuer.ts'
import { explainFailure, orExplain } from './explain-failure.ts'
import { issuerKeys } from './issuer-keys.ts'
import type { ProviderSettings } from './provider-settings.ts'

type Tokens = TokenEndpointResponse & TokenEndpointResponseHelpers

interface ProviderPorts {
  readonly fetch: OperatorFetch
  readonly clock: Clock
}

/** A provider that supports OpenID Connect. */
export interface OpenIdProvider extends LoginProvider {
  /** Reads its metadata, unless that was done recently. Throws IssuerInvalid and IssuerAway. */
  check(): Promise<Configuration>
}

/** Login with a provider of OpenID Connect: code flow, always with PKCE, state and nonce. */
export function openIdProvider(settings: ProviderSettings, { fetch, clock }: ProviderPorts): OpenIdProvider {
  const { issuer, clientSecret, scopes, parameters, callbackUrl } = settings
  const clientAuthentication = authenticationWith(clientSecret)
  /** UserInfo that comes as a JWT counts only with a signature of the provider, as the ID token does. */
  const fetchSigned: OperatorFetch = async (...request) => {
    const answer = await fetch(...request)
    if (mediaTypeOf(answer.headers.get('content-type') ?? undefined) === 'application/jwt')
      await compactVerify(await answer.clone().text(), keys)
    return answer
  }
  const access = { ...settings, fetch: fetchSigned, clientAuthentication }
  const metadata = cacheMetadata(() => discoverIssuer(access), clock)
  const keys = issuerKeys(metadata, undefined, { fetch, clock })

  /** The metadata, for requests with which we authenticate as a client: with the secret that counts now. */
  const clientConfiguration = async (): Promise<Configuration> => {
    await clientSecret?.lookUp?.()
    return metadata()
  }

  /**
   * The claims of the ID token, if there is one, which openid-client has checked. TLS, if used, has already
   * proven them; a signature also covers whatever is in between.
   */
  const signedClaims = async (tokens: Tokens): Promise<IDToken | undefined> => {
    if (tokens.id_token !== undefined) await compactVerify(tokens.id_token, keys)
    return tokens.claims()
  }

  /** Undefined if it is not to be asked. */
  const userinfo = async (
    configuration: Configuration,
    accessToken: string,
    subject: string,
  ): Promise<Claims | undefined> => {
    if (!settings.userinfo || configuration.serverMetadata().userinfo_endpoint === undefined) return undefined
    try {
      return await fetchUserInfo(configuration, accessToken, subject)
    } catch (error) {
      if (error instanceof WWWAuthenticateChallengeError && error.status === 401)
        throw new ProviderRefused('the access token is not accepted', { cause: error })
      throw error
    }
  }

  /** What it says of a known user, with tokens that replace a credential. */
  const renewed = async (
    configuration: Configuration,
    tokens: Tokens,
    known: Pick<ProvenIdentity, 'issuer' | 'subject'> & { readonly credential: string },
  ): Promise<RenewedIdentity> => {
    const claims = await signedClaims(tokens)
    // A refresh need not include an ID token (OpenID Connect Core 1.0 section 12.2).
    const { iss, sub } = claims ?? { iss: known.issuer, sub: known.subject }
    const told = await userinfo(configuration, tokens.access_token, sub)
    const isSilent = claims === undefined && told === undefined
    return {
      credential: tokens.refresh_token ?? known.credential,
      identity: isSilent ? undefined : { issuer: iss, subject: sub, claims: { ...told, ...claims } },
    }
  }

  return {
    name: settings.name,
    label: settings.label,
    host: new URL(issuer).host,
    scopes,
    check: metadata,
    authorizationUrl: (attempt, { fresh }) =>
      orExplain(async () =>
        buildAuthorizationUrl(await metadata(), {
          ...parameters,
          ...(fresh ? { prompt: 'login' } : {}),
          redirect_uri: callbackUrl,
          scope: scopes.join(' '),
          state: attempt.state,
          nonce: attempt.nonce,
          code_challenge: await calculatePKCECodeChallenge(attempt.verifier),
          code_challenge_method: 'S256',
        }),
      ),
    redeem: (query, { state, nonce, verifier }) =>
      orExplain(async (): Promise<ProvenIdentity> => {
        const configuration = await clientConfiguration()
        const callback = new URL(`${callbackUrl}?${query}`)
        const tokens = await authorizationCodeGrant(configuration, callback, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
          ...maxAgeOf(parameters),
        })
        const claims = await signedClaims(tokens)
        if (claims === undefined) throw new ProviderRefused('there is no ID token')
        const { iss, sub } = claims
        return {
          issuer: iss,
          subject: sub,
          claims: { ...(await userinfo(configuration, tokens.access_token, sub)), ...claims },
          credential: tokens.refresh_token,
        }
      }),
    renew: (credential, known) =>
      orExplain(async () => {
        const configuration = await clientConfiguration()
        if (!isIssuerOf(configuration.serverMetadata().issuer, known.issuer))
          throw new ProviderRefused('the user is of another issuer')
        const tokens = await refreshTokenGrant(configuration, credential)
        return await renewed(configuration, tokens, { ...known, credential }).catch((error: unknown) => {
          const failure = explainFailure(error)
          if (!(failure instanceof ProviderAway)) throw failure
          throw new ProviderAway(failure.message, { cause: error, credential: tokens.refresh_token })
        })
      }),
    logoutUrl: () =>
      orExplain(async () => {
        if (!settings.endsSession) return undefined
        const configuration = await metadata()
        return configuration.serverMetadata().end_session_endpoint === undefined
          ? undefined
          : buildEndSessionUrl(configuration, { post_logout_redirect_uri: settings.afterLogoutUrl })
      }),
  }
}

/** How old a login there may be, if it is asked for a recent one (OpenID Connect Core section 3.1.3.7). */
function maxAgeOf({ max_age: seconds }: ProviderSettings['parameters']): { maxAge?: number } {
  return seconds === undefined ? {} : { maxAge: Number(seconds) }
}

function authenticationWith(secret: ClientSecret | undefined): ClientAuth {
  if (secret === undefined) return None()
  return (server, ...rest) =>
    secretAuthentication(secret, server.token_endpoint_auth_methods_supported)(server, ...rest)
}

/**
 * Whether a provider, whose metadata names `named`, is the issuer of a user: compared literally, except for
 * Entra, whose metadata has a template if it stands for many directories.
 */
function isIssuerOf(named: string, issuer: string): boolean {
  const [before = '', after] = named.split('{tenantid}')
  if (after === undefined) return issuer === named
  const directory = issuer.slice(before.length, -after.length)
  return directoryId.test(directory) && issuer === before + directory + after
}

const directoryId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
