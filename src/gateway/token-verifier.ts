import { decodeJwt, type JWTVerifyGetKey } from 'jose'
import { LRUCache } from 'lru-cache'
import { type Clock, epochSeconds } from '../core/clock.ts'
import { Refusal } from '../core/errors.ts'
import type { Principal } from '../core/principal.ts'
import { digest } from '../core/secret.ts'
import { type Introspection, introspectToken } from './introspect-token.ts'
import { keysUnavailable } from './keys-unavailable.ts'
import type { ClaimReading } from './read-claims.ts'
import { invalidToken, toPrincipal } from './to-principal.ts'
import { clockToleranceSeconds, verifyJwt } from './verify-jwt.ts'

/** An authorization server whose access tokens count here. */
export interface TrustedIssuer {
  readonly issuer: string
  readonly keys: JWTVerifyGetKey
  /** Signature algorithms that its tokens may have; never `none` and never a symmetric one. */
  readonly algorithms: readonly string[]
  /** Values of the `typ` header that mark its access tokens, in lower case. */
  readonly tokenTypes: readonly string[]
  /** Values of `aud` that count in place of the resource. */
  readonly audiences?: readonly string[] | undefined
  /** Where its tokens say what. */
  readonly claims: ClaimReading
  /**
   * Whether its users are others than ours, so that no subject of its tokens may look like the id of one of ours: an MCP
   * server may know a caller by `sub` alone.
   */
  readonly hasForeignUsers: boolean
  /** Whether a key still verifies; asked on every use. Without it a key counts for as long as a token does. */
  readonly hasKey?: ((kid: string) => boolean) | undefined
  /** The issuer is asked about each token, in place of its keys. At one issuer of a verifier at most. */
  readonly introspection?: Introspection | undefined
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
  /** Until when the word of an issuer counts that was asked, in seconds since the epoch. */
  readonly freshUntil: number | undefined
  /** Asks it again, for what lasts longer and began with this principal. */
  readonly again: (principal: Principal) => void
}

const cacheSize = 10_000

/** Builds the verifier. Signatures cost; the cache makes a known token cost a hash and a few comparisons. */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { clock, isRevoked, onVerified } = options
  const findIssuer = issuerFinder(options.issuers)
  const cache = new LRUCache<string, Verified>({ max: cacheSize })
  const running = new Map<string, Promise<Verified>>()
  const origins = new WeakMap<Principal, Verified | 'over'>()

  const isFresh = ({ freshUntil }: Verified): boolean =>
    freshUntil === undefined || epochSeconds(clock) < freshUntil

  const admit = ({ principal, accepted, isKeyKnown }: Verified, resource: string): Principal => {
    if (isExpired(principal, clock)) throw invalidToken('token expired')
    if (!isKeyKnown()) throw invalidToken('token is signed with an unknown key')
    const revoked = isRevoked(principal)
    if (revoked === 'unknown') throw keysUnavailable('revocations cannot be read')
    if (revoked) throw invalidToken('token revoked')
    checkAudience(principal, accepted, resource)
    return principal
  }

  const examine = async (token: string, key: string): Promise<Verified> => {
    const issuer = findIssuer(claimedIssuer(token))
    const { introspection, audiences: accepted } = issuer
    if (introspection === undefined) {
      const { payload, kid } = await verifyJwt(token, issuer, clock)
      const isKeyKnown = (): boolean => kid === undefined || issuer.hasKey?.(kid) !== false
      const principal = toPrincipal(payload, issuer)
      return { principal, accepted, isKeyKnown, freshUntil: undefined, again: () => undefined }
    }
    const principal = await introspectToken(token, issuer, introspection, clock)
    return {
      principal,
      accepted,
      isKeyKnown: () => true,
      freshUntil: epochSeconds(clock) + introspection.cacheSeconds,
      again: (begun) => void askAgain(token, key, begun),
    }
  }

  const verifyAnew = (token: string, key: string): Promise<Verified> => {
    // Many requests with one new token are one question.
    const waiting = running.get(key)
    if (waiting !== undefined) return waiting
    const began = performance.now()
    const verification = examine(token, key)
      .then(
        (verified) => {
          cache.set(key, verified)
          origins.set(verified.principal, verified)
          onVerified((performance.now() - began) / 1000, true)
          return verified
        },
        (error: unknown) => {
          cache.delete(key)
          onVerified((performance.now() - began) / 1000, false)
          throw error
        },
      )
      .finally(() => running.delete(key))
    running.set(key, verification)
    return verification
  }

  /** For a stream: what the issuer says now counts for the principal of then. Silence ends it: nobody knows. */
  const askAgain = async (token: string, key: string, principal: Principal): Promise<void> => {
    try {
      origins.set(principal, await verifyAnew(token, key))
    } catch {
      origins.set(principal, 'over')
    }
  }

  const isVouchedFor = (principal: Principal): boolean => {
    const verified = origins.get(principal)
    if (verified === 'over') return false
    if (verified !== undefined && !isFresh(verified)) verified.again(principal)
    return verified?.isKeyKnown() !== false
  }

  return {
    verify(token, resource) {
      const key = digest(token)
      const known = cache.get(key)
      if (known !== undefined && isFresh(known)) return admit(known, resource)
      return verifyAnew(token, key).then((verified) => admit(verified, resource))
    },
    isCurrent: (principal) =>
      !isExpired(principal, clock) && isRevoked(principal) === false && isVouchedFor(principal),
  }
}

/**
 * Finds the issuer of a token, by what it says of itself. What says nothing belongs to the one that is asked. What it
 * returns throws `token_invalid`.
 */
export function issuerFinder<T extends { readonly issuer: string; readonly introspection?: unknown }>(
  all: readonly T[],
): (claimed: string | undefined) => T {
  const issuers = new Map(all.map((issuer) => [issuer.issuer, issuer]))
  const asked = all.find(({ introspection }) => introspection !== undefined)
  return (claimed) => {
    const issuer = claimed === undefined ? asked : issuers.get(claimed)
    if (issuer !== undefined) return issuer
    throw invalidToken(claimed === undefined ? 'token is malformed' : 'token is from an unknown issuer')
  }
}

/** Whether a token is over. */
export function isExpired({ expiresAt }: Principal, clock: Clock): boolean {
  return expiresAt + clockToleranceSeconds <= epochSeconds(clock)
}

/** Throws `token_invalid` for a token that is for no audience that counts: the resource, or what is `accepted` in its place. */
export function checkAudience(
  principal: Principal,
  accepted: readonly string[] | undefined,
  resource: string,
): void {
  if (!isFor(principal, accepted, resource)) throw forAnother(principal, accepted ?? [resource])
}

function isFor({ audiences }: Principal, accepted: readonly string[] | undefined, resource: string): boolean {
  return accepted === undefined
    ? audiences.includes(resource)
    : audiences.some((value) => accepted.includes(value))
}

const maxShown = 500

/** Names what would have been right, since only the operator can tell an issuer, or us, what to call the server (N8). */
function forAnother({ audiences }: Principal, accepted: readonly string[]): Refusal {
  const received = JSON.stringify(audiences).slice(0, maxShown)
  const specifics = `its aud is ${received}, what counts here is ${JSON.stringify(accepted)}`
  return invalidToken('token is for another resource', { specifics })
}

/** What a token says of its issuer; undefined for one that says nothing, since it is no JWT. */
function claimedIssuer(token: string): string | undefined {
  try {
    return decodeJwt(token).iss
  } catch {
    return undefined // opaque: the issuer that is asked knows, or nobody does
  }
}
