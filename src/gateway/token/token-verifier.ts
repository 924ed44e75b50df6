import { decodeJwt, type JWTVerifyGetKey } from 'jose'
import { LRUCache } from 'lru-cache'
import { atMost } from '../../core/at-most.ts'
import { type Clock, epochSeconds } from '../../core/clock.ts'
import { Refusal } from '../../core/errors.ts'
import { networkOf } from '../../core/network.ts'
import type { Principal } from '../../core/principal.ts'
import { ScopeSet } from '../../core/scope.ts'
import { digest } from '../../core/secret.ts'
import { fairTurns } from '../../http/fair-turns.ts'
import { type Introspection, introspectToken } from './introspect-token.ts'
import { type ClaimReading, meaningOf } from './read-claims.ts'
import { toPrincipal } from './to-principal.ts'
import { invalidToken, keysUnavailable } from './token-refusals.ts'
import { clockToleranceSeconds, verifyJwt } from './verify-jwt.ts'

/** An authorization server whose access tokens are accepted here. */
export interface TrustedIssuer {
  readonly issuer: string
  readonly keys: JWTVerifyGetKey
  /** Accepted signature algorithms; never `none` and never a symmetric one. */
  readonly algorithms: readonly string[]
  /** Values of the `typ` header that identify its access tokens, in lower case. */
  readonly tokenTypes: readonly string[]
  /** Values of `aud` that are accepted instead of the resource. */
  readonly audiences?: readonly string[] | undefined
  /** Which claims of its tokens hold what. */
  readonly claims: ClaimReading
  /**
   * Whether its users are not ours. If so, no subject of its tokens may look like a local user id, since an
   * MCP server may identify a caller by `sub` only.
   */
  readonly hasForeignUsers: boolean
  /**
   * Whether a key is still valid; called on every use. Without it, a key is valid as long as its tokens
   * are.
   */
  readonly hasKey?: ((kid: string) => boolean) | undefined
  /**
   * How to ask the issuer about each token, instead of using its keys. A verifier has at most one such
   * issuer.
   */
  readonly introspection?: Introspection | undefined
}

/** Verifies access tokens (RFC 9068 section 4) and caches valid ones. */
export interface TokenVerifier {
  /**
   * Throws `token_invalid` or `keys_unavailable`. The token is untrusted, and must be for `resource`; `address`
   * is where it comes from.
   */
  verify(token: string, resource: string, address: string): Principal | Promise<Principal>
  /**
   * Whether a principal's token is still valid, for streams and the like that outlive the request it came
   * with.
   */
  isCurrent(principal: Principal): boolean
  /** The scopes in `needed` that a token with the scopes `asked` of its issuer may lack, in their order. */
  lacking(asked: readonly string[], needed: readonly string[]): readonly string[]
}

interface TokenVerifierOptions {
  readonly issuers: readonly TrustedIssuer[]
  readonly clock: Clock
  /** Whether a token or its grant was revoked, or that this is currently unknown; called on every use. */
  readonly isRevoked: (principal: Principal) => boolean | 'unknown'
  /** Called with the duration, in seconds, of each verification that was not cached. */
  readonly onVerified: (verification: { readonly seconds: number; readonly valid: boolean }) => void
}

interface Verified {
  readonly principal: Principal
  /** The audiences that this token's issuer may use instead of the resource. */
  readonly accepted: readonly string[] | undefined
  /** Whether the key that signed the token is still valid. */
  readonly isKeyKnown: () => boolean
  /** Until when an introspection answer is valid, in seconds since the epoch. */
  readonly freshUntil: number | undefined
  /** Asks the issuer again, for a stream that this principal opened. */
  readonly again: (principal: Principal) => void
}

const cacheSize = 10_000
/**
 * How many tokens an issuer is asked about at a time that it has not vouched for before: fewer than may be asked
 * about at all, so that made-up ones keep nobody else from being asked about again.
 */
const strangersAtOnce = 48
const mostStrangersWaiting = 500
const strangerMilliseconds = 5000

/**
 * Builds the verifier. Verifying signatures is expensive; with the cache, a known token costs a hash and a
 * few comparisons.
 */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { clock, isRevoked, onVerified } = options
  const findIssuer = issuerFinder(options.issuers)
  const cache = new LRUCache<string, Verified>(atMost(cacheSize))
  const running = new Map<string, Promise<Verified>>()
  const origins = new WeakMap<Principal, Verified | 'over'>()
  const strangers = fairTurns({ places: strangersAtOnce, waiting: mostStrangersWaiting })

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

  /** `stranger` is the address of one; undefined for a token that the issuer has vouched for. */
  const examine = async (token: string, key: string, stranger: string | undefined): Promise<Verified> => {
    const issuer = findIssuer(claimedIssuer(token))
    const { introspection, audiences: accepted } = issuer
    if (introspection === undefined) {
      const { payload, kid } = await verifyJwt(token, issuer, clock)
      const isKeyKnown = (): boolean => kid === undefined || issuer.hasKey?.(kid) !== false
      const principal = toPrincipal(payload, issuer)
      return { principal, accepted, isKeyKnown, freshUntil: undefined, again: () => undefined }
    }
    const ask = async (): Promise<Verified> => {
      const askedAt = epochSeconds(clock)
      return {
        principal: await introspectToken(token, issuer, introspection, clock),
        accepted,
        isKeyKnown: () => true,
        // From the question on: what the issuer says may be as old as that.
        freshUntil: askedAt + introspection.cacheSeconds,
        again: (begun) => void askAgain(token, key, begun),
      }
    }
    if (stranger === undefined) return ask()
    const done = await strangers.take(networkOf(stranger), AbortSignal.timeout(strangerMilliseconds))
    if (done === undefined) throw keysUnavailable('too many unknown tokens are asked about')
    return ask().finally(done)
  }

  const verifyAnew = (token: string, key: string, stranger?: string): Promise<Verified> => {
    // Concurrent requests with the same new token share one verification.
    const waiting = running.get(key)
    if (waiting !== undefined) return waiting
    const began = performance.now()
    const verification = examine(token, key, stranger)
      .then(
        (verified) => {
          cache.set(key, verified)
          origins.set(verified.principal, verified)
          onVerified({ seconds: (performance.now() - began) / 1000, valid: true })
          return verified
        },
        (error: unknown) => {
          cache.delete(key)
          onVerified({ seconds: (performance.now() - began) / 1000, valid: false })
          throw error
        },
      )
      .finally(() => running.delete(key))
    running.set(key, verification)
    return verification
  }

  /**
   * For a stream: the issuer's new answer applies to the principal that opened it. If the issuer does not
   * answer, the stream ends, since nobody knows whether the token is still valid.
   */
  const askAgain = async (token: string, key: string, principal: Principal): Promise<void> => {
    try {
      origins.set(principal, await verifyAnew(token, key))
    } catch {
      origins.set(principal, 'over')
    }
  }

  const isVouchedFor = (principal: Principal): boolean => {
    const verified = origins.get(principal)
    // An answer that names no end counts for as long as it is cached; the next one, for as long as that one says.
    if (verified === 'over' || isExpired(verified?.principal ?? principal, clock)) return false
    if (verified !== undefined && !isFresh(verified)) verified.again(principal)
    return verified?.isKeyKnown() !== false
  }

  return {
    verify(token, resource, address) {
      const key = digest(token)
      const known = cache.get(key)
      if (known !== undefined && isFresh(known)) return admit(known, resource)
      const stranger = known === undefined ? address : undefined
      return verifyAnew(token, key, stranger).then((verified) => admit(verified, resource))
    },
    isCurrent: (principal) => isRevoked(principal) === false && isVouchedFor(principal),
    lacking(asked, needed) {
      const meanings = options.issuers.map(({ claims }) => new ScopeSet(meaningOf(asked, claims)))
      return needed.filter((scope) => meanings.some((meaning) => !meaning.covers(scope)))
    },
  }
}

/**
 * Finds the issuer of a token by what the token says of itself. A token that says nothing belongs to the
 * issuer with introspection. The function that it returns throws `token_invalid`.
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

/** Whether a token has expired. */
export function isExpired({ expiresAt }: Principal, clock: Clock): boolean {
  return expiresAt + clockToleranceSeconds <= epochSeconds(clock)
}

/**
 * Throws `token_invalid` for a token without a valid audience: the resource, or one of `accepted` instead.
 */
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

/**
 * Names the right audience, since only the operator can tell the issuer, or us, what to call the server
 * (N8).
 */
function forAnother({ audiences }: Principal, accepted: readonly string[]): Refusal {
  const received = JSON.stringify(audiences).slice(0, maxShown)
  const specifics = `its aud is ${received}, what counts here is ${JSON.stringify(accepted)}`
  return invalidToken('token is for another resource', { specifics })
}

/** The issuer that a token names; undefined for a token that is not a JWT. */
function claimedIssuer(token: string): string | undefined {
  try {
    return decodeJwt(token).iss
  } catch {
    return undefined // opaque: only the issuer with introspection may know it
  }
}
