import type { Claims } from './claims.ts'

/** Clocks of processes that share a store may differ by this much. */
export const clockDifferenceMilliseconds = 10_000

/**
 * From the last look at whether a client is blocked to its token: what is known of it may be a second old, and the keys of
 * an identity provider may take five.
 */
const longestIssueMilliseconds = 6000

/**
 * Whether a token counts as issued before a client or user that holds it was revoked. `issuedAt` is in seconds since the
 * epoch, as tokens have it (RFC 9068 section 2.2), `revokedAt` in milliseconds. In doubt it does: whoever is let in again gets another one.
 */
export function isIssuedBefore(revokedAt: number, issuedAt: number): boolean {
  return issuedAt * 1000 <= revokedAt + clockDifferenceMilliseconds + longestIssueMilliseconds
}

/** What an access token of ours ends with, beside itself, the tokens that it was exchanged for and their grant. */
export interface TokenHolders {
  /** Clients by their ids: the revocation of any of them ends it, if it was issued before (`isIssuedBefore`). */
  readonly clients: readonly string[]
  /** In the same way, by its name (`vouchedName`), a user of an identity provider who had no account here. */
  readonly vouchedUser: string | undefined
}

/** The claim of tokens that came of an identity assertion, and of those that they were exchanged for. */
export interface AssertionClaim {
  /** Who redeemed it. */
  readonly client: string
  /** Whom it was about, where that was nobody with an account here. */
  readonly user?: string
}

/**
 * Reads them out of a token's claims. A grant of a person ends by itself. So what counts is who has a token without one,
 * who redeemed an assertion for it, and everybody who handed it on (`act`, RFC 8693 section 4.1).
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
