import type { Claims } from './claims.ts'

/** By how much the clocks of processes that share a store may differ. */
export const clockDifferenceMilliseconds = 10_000

/**
 * How long it may take from the last check whether a client is blocked until its token is issued: what was
 * checked may be a second old, and fetching an identity provider's keys may take five.
 */
const longestIssueMilliseconds = 6000

/**
 * Whether a token counts as issued before the revocation of a client or user that holds it. `issuedAt` is in
 * seconds since the epoch, as in tokens (RFC 9068 section 2.2), `revokedAt` in milliseconds. In case of doubt
 * it counts as issued before: whoever may come back gets a new token.
 */
export function isIssuedBefore(revokedAt: number, issuedAt: number): boolean {
  return issuedAt * 1000 <= revokedAt + clockDifferenceMilliseconds + longestIssueMilliseconds
}

/**
 * Whose revocation ends one of our access tokens, in addition to that of the token itself, of the tokens that
 * it was exchanged for and of their grant.
 */
export interface TokenHolders {
  /** Client ids: revoking any of these clients ends the token if it was issued before (`isIssuedBefore`). */
  readonly clients: readonly string[]
  /** Likewise, the name (`vouchedName`) of a user of an identity provider who had no account here. */
  readonly vouchedUser: string | undefined
}

/** A claim of tokens that were issued for an identity assertion, and of tokens exchanged for those. */
export interface AssertionClaim {
  /** The client that redeemed it. */
  readonly client: string
  /** The user it was about, if that user has no account here. */
  readonly user?: string
}

/**
 * Reads them from a token's claims. A user's grant can be revoked by itself. So what matters is who holds a
 * token without a grant, who redeemed an assertion for it, and everyone who handed it on (`act`, RFC 8693
 * section 4.1).
 */
export function holdersOf({ client_id: clientId, gid, act, assertion }: Claims): TokenHolders {
  const { client, user } = Object(assertion) as Partial<Record<keyof AssertionClaim, unknown>>
  const clients = [typeof gid === 'string' ? undefined : clientId, client]
  for (let actor = act; actor !== undefined && actor !== null; actor = (actor as { act?: unknown }).act)
    clients.push((actor as { sub?: unknown }).sub)
  return {
    clients: [...new Set(clients.filter((id) => typeof id === 'string'))],
    vouchedUser: typeof user === 'string' ? user : undefined,
  }
}
