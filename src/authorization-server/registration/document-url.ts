import { scrubPath } from '../../telemetry/scrub.ts'

/** Whether a client id is the URL of a metadata document. */
export function isDocumentId(clientId: unknown): clientId is string {
  return typeof clientId === 'string' && /^https:\/\//i.test(clientId)
}

/**
 * The host, with port, that vouches for a client whose id is the URL of its document; in ASCII, so that
 * look-alikes are visible.
 */
export function documentHost(clientId: string): string | undefined {
  return isDocumentId(clientId) ? URL.parse(clientId)?.host : undefined
}

const loggedCharacters = 200

/**
 * The address of a client's document for the operator: its host, and of the rest of the URL what can be no
 * secret. Undefined if the id is no such URL. Untrusted.
 */
export function documentAddress(clientId: string): string | undefined {
  const url = isDocumentId(clientId) ? URL.parse(clientId) : null
  return url === null ? undefined : `${url.origin}${scrubPath(url.pathname)}`.slice(0, loggedCharacters)
}

/**
 * What is wrong with the URL of a metadata document, or undefined
 * (draft-ietf-oauth-client-id-metadata-document section 3). It has to be written as a browser would write it,
 * which excludes dot segments, user information and other spellings of the same host, and makes comparisons
 * unambiguous. `isOwn` says which URLs would lead back to this server. Untrusted.
 */
export function documentUrlProblem(text: string, isOwn: (url: URL) => boolean): string | undefined {
  const url = URL.parse(text)
  if (url === null || url.protocol !== 'https:') return 'is not an https URL'
  if (text.includes('#')) return 'has a fragment'
  if (url.username !== '' || url.password !== '') return 'has user information'
  if (text.includes('?')) return 'has a query'
  if (url.pathname === '/') return 'has no path'
  if (url.href !== text || /%2e/i.test(url.pathname)) return 'is not in its normal form'
  if (isOwn(url)) return 'is on this server'
  return undefined
}
