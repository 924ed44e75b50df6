import { proofAlgorithms } from '../core/dpop.ts'
import type { ChallengeDetail } from '../core/errors.ts'

/**
 * Writes the `WWW-Authenticate` value (RFC 6750 section 3, RFC 9449 section 7.1, RFC 9728 section 5.1). Bearer
 * comes first, and `scope` before any free text, because clients search the header with regular expressions.
 * All challenges are in one line, since some clients see only the last of several (fetch of Bun 1.3).
 */
export function challenge(detail: ChallengeDetail, metadataUrl: string): string {
  const isAboutProof = detail.error === 'invalid_dpop_proof' || detail.error === 'use_dpop_nonce'
  const error = detail.error === undefined ? [] : [`error="${detail.error}"`]
  const scope = detail.scopes.length === 0 ? [] : [`scope="${detail.scopes.map(quotable).join(' ')}"`]
  const description =
    detail.description === undefined ? [] : [`error_description="${quotable(detail.description)}"`]
  const bearer = [
    ...(isAboutProof ? [] : error),
    ...scope,
    `resource_metadata="${quotable(metadataUrl)}"`,
    ...(isAboutProof ? [] : description),
  ]
  const dpop = [
    ...error,
    ...(detail.error === 'insufficient_scope' ? scope : []),
    `algs="${proofAlgorithms.join(' ')}"`,
    ...(isAboutProof ? description : []),
  ]
  return [`Bearer ${bearer.join(', ')}`, ...(detail.offersDpop ? [`DPoP ${dpop.join(', ')}`] : [])].join(', ')
}

/** Drops what these attributes may not contain (RFC 6750 section 3), so that no value can end its quotes. */
function quotable(value: string): string {
  return value.replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '')
}
