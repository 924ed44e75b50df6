/** Signature algorithms that a DPoP proof may have: only asymmetric ones (RFC 9449 section 4.3). */
export const proofAlgorithms = ['ES256', 'Ed25519', 'EdDSA', 'PS256', 'RS256'] as const

/**
 * Whether clients of an MCP server bind their tokens to a key (RFC 9449): if they want to, always, or never,
 * in which case the scheme is not offered.
 */
export type ProofPolicy = 'optional' | 'required' | 'off'

/**
 * Whether whoever has proved the key with this thumbprint, or none, may present a JWT with this `cnf` claim
 * (RFC 9449 section 6.1): any way of binding that is not understood must not be ignored (RFC 7800 section
 * 3.1). The claim is untrusted.
 */
export function isConfirmedBy(confirmation: unknown, thumbprint: string | undefined): boolean {
  if (confirmation === undefined) return true
  const { jkt, ...others } = Object(confirmation) as Record<string, unknown>
  return thumbprint !== undefined && jkt === thumbprint && Object.keys(others).length === 0
}
