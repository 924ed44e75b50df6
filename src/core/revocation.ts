/** Clocks of processes that share a store may differ by this much. */
export const clockDifferenceMilliseconds = 10_000

/**
 * Whether a token counts as issued before its client was revoked. `issuedAt` is in seconds since the epoch, as tokens have
 * it (RFC 9068 section 2.2), `revokedAt` in milliseconds. In doubt it does: whoever is let in again gets another one.
 */
export function isIssuedBefore(revokedAt: number, issuedAt: number): boolean {
  return issuedAt * 1000 <= revokedAt + clockDifferenceMilliseconds
}
