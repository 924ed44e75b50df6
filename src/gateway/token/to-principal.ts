import type { JWTPayload } from 'jose'
import { readConfirmation } from '../../core/dpop.ts'
import type { Principal } from '../../core/principal.ts'
import { isPrintable } from '../../core/printable.ts'
import { holdersOf } from '../../core/revocation.ts'
import { ScopeSet } from '../../core/scope.ts'
import { isUserId } from '../../core/user-id.ts'
import { readScopes, readText, readTexts } from './read-claims.ts'
import { invalidToken } from './token-refusals.ts'
import type { TrustedIssuer } from './token-verifier.ts'

/** What must be known of an issuer to read its claims. */
export type ClaimSource = Pick<TrustedIssuer, 'issuer' | 'claims' | 'hasForeignUsers'>

/** A careful issuer makes no token that lives longer than this. */
const maxLifetimeSeconds = 7 * 24 * 3600

/** The caller, from claims that have been verified. Throws `token_invalid`. */
export function toPrincipal(
  payload: JWTPayload,
  { issuer, claims: reading, hasForeignUsers }: ClaimSource,
): Principal {
  const { sub, aud, exp, iat, jti } = payload
  if (typeof sub !== 'string' || sub === '' || exp === undefined || iat === undefined)
    throw invalidToken('token lacks a claim')
  if (hasForeignUsers && isUserId(sub)) throw invalidToken('token names a user of ours')
  if (exp - iat > maxLifetimeSeconds) throw invalidToken('token lives too long')
  const clientId = readText(payload, reading.clientId) ?? sub
  // No record could be kept of them everywhere.
  if (!isPrintable(sub) || !isPrintable(clientId))
    throw invalidToken('token has unprintable characters in a name')
  const { gid: grant, origins } = payload
  const { clients: holders, vouchedUser } = holdersOf(payload)
  const bound = readConfirmation(payload['cnf'])
  if (bound === undefined) throw invalidToken('token is bound in an unknown way')
  return {
    issuer,
    subject: sub,
    clientId,
    kind: clientId === sub || isMachine(payload) ? 'client' : 'user',
    scopes: new ScopeSet(readScopes(payload, reading)),
    groups: readTexts(payload, reading.groups),
    roles: readTexts(payload, reading.roles),
    audiences: [aud ?? []].flat(),
    issuedAt: iat,
    expiresAt: exp,
    tokenId: jti,
    originIds: Array.isArray(origins) ? origins.filter((id) => typeof id === 'string') : undefined,
    grantId: typeof grant === 'string' ? grant : undefined,
    holders,
    vouchedUser,
    actor: currentActor(payload['act']),
    keyThumbprint: bound.jkt,
  }
}

/**
 * Whether a token is a machine's although its subject is not the client id: Entra and Auth0 say so in these
 * claims.
 */
function isMachine({ idtyp, gty }: JWTPayload): boolean {
  return idtyp === 'app' || gty === 'client-credentials'
}

/** RFC 8693 section 4.1: of a chain of actors only the outermost counts; the others are history. */
function currentActor(act: unknown): string | undefined {
  const { sub } = Object(act) as { sub?: unknown }
  return typeof sub === 'string' ? sub : undefined
}
