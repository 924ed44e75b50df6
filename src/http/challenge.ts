import type { ChallengeDetail } from '../core/errors.ts'

/**
 * Writes a `WWW-Authenticate` value (RFC 6750 section 3, RFC 9728 section 5.1). Bearer stands first and `scope` before
 * any free text, because clients search the header with regular expressions.
 */
export function bearerChallenge(detail: ChallengeDetail, metadataUrl: string): string {
  const attributes = [
    ...(detail.error === undefined ? [] : [`error="${detail.error}"`]),
    ...(detail.scopes.length === 0 ? [] : [`scope="${detail.scopes.map(quotable).join(' ')}"`]),
    `resource_metadata="${quotable(metadataUrl)}"`,
    ...(detail.description === undefined ? [] : [`error_description="${quotable(detail.description)}"`]),
  ]
  return `Bearer ${attributes.join(', ')}`
}

/** Drops what may not stand in these attributes (RFC 6750 section 3), so that no value can end its quotes. */
function quotable(value: string): string {
  return value.replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '')
}
