import {
  decodeJwt,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose'
import { LRUCache } from 'lru-cache'
import { type Clock, epochSeconds } from '../core/clock.ts'
import { Refusal } from '../core/errors.ts'
import type { Principal } from '../core/principal.ts'
import { parseScopes, ScopeSet } from '../core/scope.ts'
import { digest } from '../core/secret.ts'

/** An authorization server whose access tokens count here. */
export interface TrustedIssuer {
  readonly issuer: string
  readonly keys: JWTVerifyGetKey
  /** Signature algorithms that its tokens may have; never `none` and never a symmetric one. */
  readonly algorithms: readonly string[]
  /** Values of the `typ` header that mark its access tokens. */
  readonly tokenTypes: readonly string[]
  /** Values of `aud` that count in place of the resource. */
  readonly audiences?: readonly string[] | undefined
  /** Whether a key still verifies; asked on every use. Without it a key counts for as long as a token does. */
  readonly hasKey?: ((kid: string) => boolean) | undefined
}

/** Verifies access tokens (RFC 9068 section 4) and remembers the ones that were good. */
export interface TokenVerifier {
  /** Throws `token_invalid` or `keys_unavailable`. The token is untrusted, and must be for `resource`. */
  verify(token: string, resource: string): Principal | Promise<Principal>
  /** Whether a principal's token still counts: for what lasts longer than the request that it came with. */
  isCurrent(principal: Principal): boolean
}

interface TokenVerifierOptions {
  readonly issuers: readonly TrustedIssuer[]
  readonly clock: Clock
  /** Says whether a token or its grant was revoked, or that nobody knows at the moment; asked on every use. */
  readonly isRevoked: (principal: Principal) => boolean | 'unknown'
  /** Told how long each verification that was not cached took, in seconds. */
  readonly onVerified: (seconds: number, valid: boolean) => void
}

interface Verified {
  readonly principal: Principal
  /** The audiences that count for this token's issuer in place of the resource. */
  readonly accepted: readonly string[] | undefined
  /** Whether the key that signed the token still verifies. */
  readonly isKeyKnown: () => boolean
}

const cacheSize = 10_000
const clockToleranceSeconds = 5
/** A token that lives longer than this was not made by a careful issuer. */
const maxLifetimeSeconds = 7 * 24 * 3600

/** Builds the verifier. Signatures cost; the cache makes a known token cost a hash and a few comparisons. */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { clock, isRevoked, onVerified } = options
  const issuers = new Map(options.issuers.map((issuer) => [issuer.issuer, issuer]))
  const cache = new LRUCache<string, Verified>({ max: cacheSize })
  const origins = new WeakMap<Principal, Verified>()

  const isExpired = ({ expiresAt }: Principal): boolean =>
    expiresAt + clockToleranceSeconds <= epochSeconds(clock)

  const admit = ({ principal, accepted, isKeyKnown }: Verified, resource: string): Principal => {
    if (isExpired(principal)) throw invalid('token expired')
    if (!isKeyKnown()) throw invalid('token is signed with an unknown key')
    const revoked = isRevoked(principal)
    if (revoked === 'unknown')
      throw new Refusal('keys_unavailable', { reason: 'revocations cannot be read', retryAfterSeconds: 5 })
    if (revoked) throw invalid('token revoked')
    if (!isFor(principal, accepted, resource)) throw invalid('token is for another resource')
    return principal
  }

  const verifyAnew = async (token: string, key: string, resource: string): Promise<Principal> => {
    const began = performance.now()
    try {
      const verified = await verifySignature(token, issuers, clock)
      cache.set(key, verified)
      origins.set(verified.principal, verified)
      onVerified((performance.now() - began) / 1000, true)
      return admit(verified, resource)
    } catch (error) {
      onVerified((performance.now() - began) / 1000, false)
      throw error
    }
  }

  return {
    verify(token, resource) {
      const key = digest(token)
      const known = cache.get(key)
      return known === undefined ? verifyAnew(token, key, resource) : admit(known, resource)
    },
    isCurrent: (principal) =>
      !isExpired(principal) &&
      isRevoked(principal) === false &&
      origins.get(principal)?.isKeyKnown() !== false,
  }
}

function isFor({ audiences }: Principal, accepted: readonly string[] | undefined, resource: string): boolean {
  return accepted === undefined
    ? audiences.includes(resource)
    : audiences.some((value) => accepted.includes(value))
}

async function verifySignature(
  token: string,
  issuers: ReadonlyMap<string, TrustedIssuer>,
  clock: Clock,
): Promise<Verified> {
  const issuer = issuers.get(claimedIssuer(token) ?? '')
  if (issuer === undefined) throw invalid('token is from an unknown issuer')
  const options: JWTVerifyOptions = {
    issuer: issuer.issuer,
    algorithms: [...issuer.algorithms],
    requiredClaims: ['sub', 'exp', 'iat', 'aud'],
    clockTolerance: clockToleranceSeconds,
    currentDate: new Date(clock.now()),
  }
  try {
    const { payload, protectedHeader } = await jwtVerify(token, issuer.keys, options)
    if (!issuer.tokenTypes.includes(mediaType(protectedHeader.typ))) throw invalid('token is no access token')
    const { kid } = protectedHeader
    const isKeyKnown = (): boolean => kid === undefined || issuer.hasKey?.(kid) !== false
    return { principal: toPrincipal(payload), accepted: issuer.audiences, isKeyKnown }
  } catch (error) {
    throw error instanceof Refusal ? error : refusalFor(error)
  }
}

/** RFC 7515 section 4.1.9: the prefix `application/` may be left out, and case does not matter. */
function mediaType(typ: string | undefined): string {
  return (typ ?? '').toLowerCase().replace(/^application\//, '')
}

function claimedIssuer(token: string): string | undefined {
  try {
    return decodeJwt(token).iss
  } catch (error) {
    throw invalid('token is malformed', error)
  }
}

function toPrincipal(payload: JWTPayload): Principal {
  const { iss, sub, aud, exp, iat, jti } = payload
  if (typeof sub !== 'string' || sub === '' || exp === undefined || iat === undefined)
    throw invalid('token lacks a claim')
  if (exp - iat > maxLifetimeSeconds) throw invalid('token lives too long')
  const clientId = [payload['client_id'], payload['azp']].find((claim) => typeof claim === 'string') ?? sub
  const { gid: grant, origins } = payload
  return {
    issuer: String(iss),
    subject: sub,
    clientId,
    kind: clientId === sub ? 'client' : 'user',
    scopes: new ScopeSet(parseScopes(payload['scope'])),
    audiences: [aud ?? []].flat(),
    expiresAt: exp,
    tokenId: jti,
    originIds: Array.isArray(origins) ? origins.filter((id) => typeof id === 'string') : undefined,
    grantId: typeof grant === 'string' ? grant : undefined,
    actor: currentActor(payload['act']),
    keyThumbprint: boundKey(payload['cnf']),
  }
}

/** RFC 8693 section 4.1: of a chain of actors the outermost counts, the others are history. */
function currentActor(act: unknown): string | undefined {
  const { sub } = Object(act) as { sub?: unknown }
  return typeof sub === 'string' ? sub : undefined
}

/** RFC 7800 section 3.1: a confirmation that is not understood must not be passed over. */
function boundKey(confirmation: unknown): string | undefined {
  if (confirmation === undefined) return undefined
  const { jkt, ...others } = Object(confirmation) as Record<string, unknown>
  if (typeof jkt !== 'string' || Object.keys(others).length > 0)
    throw invalid('token is bound in an unknown way')
  return jkt
}

/** The reasons are a closed set: they are labels of a metric. */
function refusalFor(error: unknown): Refusal {
  if (error instanceof errors.JWTExpired) return invalid('token expired', error)
  if (error instanceof errors.JWTClaimValidationFailed) {
    return invalid(error.claim === 'nbf' ? 'token not valid yet' : 'token lacks a claim', error)
  }
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
    return invalid('token is signed with an unknown key', error)
  }
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return invalid('token has a wrong signature', error)
  if (error instanceof errors.JOSEAlgNotAllowed) return invalid('token has a forbidden algorithm', error)
  if (
    error instanceof errors.JWKSTimeout ||
    error instanceof errors.JWKSInvalid ||
    !(error instanceof errors.JOSEError)
  ) {
    return new Refusal('keys_unavailable', {
      reason: 'signing keys cannot be had',
      cause: error,
      retryAfterSeconds: 5,
    })
  }
  return invalid('token is malformed', error)
}

function invalid(reason: string, cause?: unknown): Refusal {
  return new Refusal('token_invalid', { reason, cause })
}
