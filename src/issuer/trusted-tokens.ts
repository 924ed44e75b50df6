import {
  type CryptoKey,
  createRemoteJWKSet,
  errors,
  type FlattenedJWSInput,
  flattenedVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
  customFetch as joseFetch,
} from 'jose'
import { allowInsecureRequests, Configuration, customFetch, tokenIntrospection } from 'openid-client'
import { type Clock, isRecent } from '../core/clock.ts'
import type { OperatorFetch } from '../http/operator-fetch.ts'
import { type ClientSecret, showSecret } from './client-secret.ts'
import { explainFailure } from './explain-failure.ts'
import type { KeptIssuer } from './kept-issuer.ts'

const keySetBounds = { timeoutDuration: 5000, cooldownDuration: 30_000, cacheMaxAge: 600_000 }
/** The library waits after fetching keys successfully, but not after a failure. */
const retryMilliseconds = 5000
/** More keys that a token could mean are not tried, so that no issuer's set makes a made-up token expensive. */
const mostTried = 4

/**
 * The keys of an issuer, from `jwksUri` or from where its metadata says. A missing key is looked for again,
 * at most twice a minute, or every five seconds while the keys are unavailable: new keys are found, and
 * made-up ones cost nothing. If several keys fit the header, as with one `kid` for an old key and its
 * successor, the one that verifies the token counts.
 */
export function issuerKeys(
  kept: KeptIssuer,
  jwksUri: string | undefined,
  { fetch, clock }: { readonly fetch: OperatorFetch; readonly clock: Clock },
): JWTVerifyGetKey {
  const open = (url: string): JWTVerifyGetKey => {
    let askedAt = Number.NEGATIVE_INFINITY
    return createRemoteJWKSet(new URL(url), {
      ...keySetBounds,
      [joseFetch]: async (address, options) => {
        if (isRecent(clock, askedAt, retryMilliseconds))
          throw new Error('it was asked for its keys a moment ago, in vain')
        askedAt = clock.now()
        return fetch(address, options)
      },
    })
  }
  const sets = new Map<string, JWTVerifyGetKey>()
  return async (header, token) => {
    const url = jwksUri ?? (await kept()).serverMetadata().jwks_uri
    if (url === undefined) throw new Error('the metadata of the issuer names no keys')
    const set = sets.get(url) ?? open(url)
    sets.set(url, set)
    return Promise.resolve(set(header, token)).catch((error: unknown) => {
      if (error instanceof errors.JWKSMultipleMatchingKeys) return keyThatVerifies(token, error)
      throw error
    })
  }
}

/**
 * RFC 7515 appendix D lets a recipient try all keys that fit. Throws if none of the first ones verifies. The
 * token is untrusted.
 */
async function keyThatVerifies(
  token: FlattenedJWSInput,
  fitting: AsyncIterable<CryptoKey>,
): Promise<CryptoKey> {
  let tried = 0
  for await (const key of fitting) {
    const verifies = await flattenedVerify(token, key).then(
      () => true,
      () => false,
    )
    if (verifies) return key
    if (++tried === mostTried) break
  }
  throw new errors.JWSSignatureVerificationFailed()
}

interface IntrospectionSettings {
  readonly issuer: string
  /** Undefined: as the metadata says. */
  readonly url: string | undefined
  readonly clientId: string
  readonly clientSecret: ClientSecret
}

/**
 * Asks an issuer about tokens (RFC 7662). Resolves to its answer, or to undefined for a token that is not
 * active.
 */
export function issuerIntrospection(
  { issuer, url, clientId, clientSecret }: IntrospectionSettings,
  kept: KeptIssuer,
  fetch: OperatorFetch,
): (token: string) => Promise<JWTPayload | undefined> {
  const open = async (): Promise<Configuration> => {
    await clientSecret.lookUp?.()
    const found = url === undefined ? (await kept()).serverMetadata() : undefined
    const endpoint = url ?? found?.introspection_endpoint
    if (endpoint === undefined) throw new Error('the metadata of the issuer names no introspection endpoint')
    const configuration = new Configuration(
      { issuer, introspection_endpoint: endpoint },
      clientId,
      undefined,
      showSecret(clientSecret, found?.introspection_endpoint_auth_methods_supported),
    )
    configuration[customFetch] = fetch
    // An address that the operator named, which may be on loopback: nothing else with plain http gets this
    // far.
    if (endpoint.startsWith('http:')) allowInsecureRequests(configuration)
    return configuration
  }
  return async (token) => {
    try {
      const { active, ...claims } = await tokenIntrospection(await open(), token)
      return active ? claims : undefined
    } catch (error) {
      throw new Error(explainFailure(error).message, { cause: error })
    }
  }
}
