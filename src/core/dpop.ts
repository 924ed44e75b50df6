/** Signature algorithms that a DPoP proof may have: asymmetric ones alone (RFC 9449 section 4.3). */
export const proofAlgorithms = ['ES256', 'Ed25519', 'EdDSA', 'PS256', 'RS256'] as const

/**
 * Whether an MCP server's clients bind their tokens to a key (RFC 9449): as they like, always, or never, because the
 * scheme is not offered.
 */
export type ProofPolicy = 'optional' | 'required' | 'off'
