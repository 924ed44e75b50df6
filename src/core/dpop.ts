/** Signature algorithms that a DPoP proof may have: only asymmetric ones (RFC 9449 section 4.3). */
export const proofAlgorithms = ['ES256', 'Ed25519', 'EdDSA', 'PS256', 'RS256'] as const

/**
 * Whether clients of an MCP server bind their tokens to a key (RFC 9449): if they want to, always, or never,
 * in which case the scheme is not offered.
 */
export type ProofPolicy = 'optional' | 'required' | 'off'

/**
 * The key that a JWT with this `cnf` claim is bound to, if any (RFC 9449 section 6.1), or undefined if it is bound
 * in a way that is not understood, which must not be ignored (RFC 7800 section 3.1). The claim is untrusted.
 */
export function readConfirmation(confirmation: unknown): { readonly jkt: string | undefined } | undefined {
  if (confirmation === undefined) return { jkt: undefined }
  const { jkt, ...others } = Object(confirmation) as Record<string, unknown>
  return typeof jkt === 'string' && Object.keys(others).length === 0 ? { jkt } : undefined
}

/**
 * Whether whoever has proved the key with this thumbprint, or none, may present a JWT with this `cnf` claim. The
 * claim is untrusted.
 */
export function isConfirmedBy(confirmation: unknown, thumbprint: string | undefined): boolean {
  const bound = readConfirmation(confirmation)
  return bound !== undefined && (bound.jkt === undefined || bound.jkt === thumbprint)
}
