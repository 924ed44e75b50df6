/** Signature algorithms that a DPoP proof may have: only asymmetric ones (RFC 9449 section 4.3). */
export const proofAlgorithms = ['ES256', 'Ed25519', 'EdDSA', 'PS256', 'RS256'] as const

/**
 * Whether clients of an MCP server bind their tokens to a key (RFC 9449): if they want to, always, or never,
 * in which case the scheme is not offered.
 */
export type ProofPolicy = 'optional' | 'required' | 'off'
