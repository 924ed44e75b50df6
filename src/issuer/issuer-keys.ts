import {
  type CryptoKey,
  createRemoteJWKSet,
  customFetch,
  errors,
  type FlattenedJWSInput,
  flattenedVerify,
  type JWTVerifyGetKey,
} from 'jose'
import { type Clock, isRecent } from '../core/clock.ts'
import type { OperatorFetch } from '../http/operator-fetch.ts'
import type { CachedMetadata } from './cached-metadata.ts'

const keySetBounds = { timeoutDuration: 5000, cooldownDuration: 30_000, cacheMaxAge: 600_000 }
/** The library waits after fetching keys successfully, but not after a failure. */
const retryMilliseconds = 5000
/** How many keys are tried for one token, so that a made-up token is cheap whatever its issuer's set has. */
const mostTried = 4

/**
 * The keys of an issuer, from `jwksUri` or from where its metadata says. A missing key is looked for again,
 * at most twice a minute, or every five seconds while the keys are unavailable: new keys are found, and
 * made-up ones cost nothing. If several keys fit the header, as with one `kid` for an old key and its
 * successor, the one that verifies the token counts.
 */
export function issuerKeys(
  metadata: CachedMetadata,
  jwksUri: string | undefined,
  { fetch, clock }: { readonly fetch: OperatorFetch; readonly clock: Clock },
): JWTVerifyGetKey {
  const open = (url: string): JWTVerifyGetKey => {
    let askedAt = Number.NEGATIVE_INFINITY
    return createRemoteJWKSet(new URL(url), {
      ...keySetBounds,
      [customFetch]: async (address, options) => {
        if (isRecent(clock, askedAt, retryMilliseconds))
          throw new Error('it was asked for its keys a moment ago, in vain')
        askedAt = clock.now()
        return fetch(address, options)
      },
    })
  }
  const sets = new Map<string, JWTVerifyGetKey>()
  return async (header, token) => {
    const url = jwksUri ?? (await metadata()).serverMetadata().jwks_uri
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
