import { errors, type JWTClaimVerificationOptions, type JWTPayload, jwtVerify, UnsecuredJWT } from 'jose'
import type { Clock } from '../../core/clock.ts'
import { Refusal } from '../../core/errors.ts'
import { areKeysAbsent } from '../../issuer/keys-absent.ts'
import { invalidToken, issuerUnavailable } from './token-refusals.ts'
import type { TrustedIssuer } from './token-verifier.ts'

/** The clock difference that is tolerated. */
export const clockToleranceSeconds = 5

/**
 * Verifies a token with the keys of the issuer that it names, and no others (RFC 9068 section 4). Throws a
 * Refusal.
 */
export async function verifyJwt(
  token: string,
  issuer: TrustedIssuer,
  clock: Clock,
): Promise<{ payload: JWTPayload; kid: string | undefined }> {
  const options = { ...claimRules(issuer, clock), algorithms: [...issuer.algorithms] }
  try {
    const { payload, protectedHeader } = await jwtVerify(token, issuer.keys, options)
    checkKind(payload, protectedHeader.typ, issuer.tokenTypes)
    return { payload, kid: protectedHeader.kid }
  } catch (error) {
    throw refusalFor(error, issuer)
  }
}

/**
 * The checks of `verifyJwt` on claims, without a signature: for explanations only, never to grant access. A
 * header that is not known is assumed to be right. Throws a Refusal.
 */
export function checkUnverified(
  claims: JWTPayload,
  header: { readonly typ?: string | undefined } | undefined,
  issuer: Pick<TrustedIssuer, 'issuer' | 'tokenTypes'>,
  clock: Clock,
): void {
  try {
    const { payload } = UnsecuredJWT.decode(new UnsecuredJWT(claims).encode(), claimRules(issuer, clock))
    checkKind(payload, header === undefined ? issuer.tokenTypes[0] : header.typ, issuer.tokenTypes)
  } catch (error) {
    throw refusalFor(error, issuer)
  }
}

/** Claims that every access token has (RFC 9068 section 2.2). */
export const requiredClaims: readonly string[] = ['sub', 'exp', 'iat', 'aud']

function claimRules({ issuer }: Pick<TrustedIssuer, 'issuer'>, clock: Clock): JWTClaimVerificationOptions {
  return {
    issuer,
    requiredClaims: [...requiredClaims],
    clockTolerance: clockToleranceSeconds,
    currentDate: new Date(clock.now()),
  }
}

function checkKind(payload: JWTPayload, typ: string | undefined, tokenTypes: readonly string[]): void {
  const type = tokenType(typ ?? '')
  if (!tokenTypes.includes(type) || (type !== 'at+jwt' && isOtherToken(payload)))
    throw invalidToken('token is no access token')
}

/** The one spelling of a `typ`: without the prefix `application/`, in lower case (RFC 7515 section 4.1.9). */
export function tokenType(typ: string): string {
  return typ.toLowerCase().replace(/^application\//, '')
}

/**
 * If `typ` says nothing, the content does: an ID token is for a client, and Keycloak puts the kind of a
 * token into its claims.
 */
function isOtherToken(payload: JWTPayload): boolean {
  const { typ } = payload
  return (
    ['nonce', 'at_hash', 'c_hash'].some((claim) => claim in payload) ||
    (typ !== undefined && typ !== 'Bearer' && typ !== 'DPoP')
  )
}

function refusalFor(error: unknown, issuer: Pick<TrustedIssuer, 'issuer'>): Refusal {
  if (error instanceof Refusal) return error
  if (areKeysAbsent(error)) return issuerUnavailable('signing keys cannot be had', issuer, error)
  return invalidToken(faultIn(error), { cause: error })
}

/** The fault of the token. */
function faultIn(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'token expired'
  if (error instanceof errors.JWTClaimValidationFailed)
    return error.claim === 'nbf' ? 'token not valid yet' : 'token lacks a claim'
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return 'token is signed with an unknown key'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'token has a wrong signature'
  if (error instanceof errors.JOSEAlgNotAllowed) return 'token has a forbidden algorithm'
  return 'token is malformed'
}
