import { isLoopbackHost } from './resource.ts'

/** Schemes that run something or read files of this computer: never redirected to, whoever allows them. */
const forbiddenSchemes = /^(?:javascript|vbscript|data|blob|file|filesystem|about|view-source|intent):/i

/** Whether a text can be allowed as a redirect URI with a private-use scheme (RFC 8252 section 7.1). */
export function isPrivateUseRedirect(uri: string): boolean {
  return URL.canParse(uri) && !/^https?:|^wss?:|#/i.test(uri) && !forbiddenSchemes.test(uri)
}

/**
 * What is wrong with a redirect URI, or undefined if it leads to https, to this computer, or to exactly one
 * of the `privateUse` URIs (MCP authorization, "Open Redirection"; RFC 8252 section 7). The input is
 * untrusted.
 */
export function redirectProblem(uri: string, privateUse: readonly string[] = []): string | undefined {
  const url = URL.parse(uri)
  if (url === null) return 'is not a URL'
  if (uri.includes('#')) return 'has a fragment'
  if (url.username !== '' || url.password !== '') return 'has user information'
  if (url.protocol === 'https:') return undefined
  if (url.protocol === 'http:')
    return isLoopbackHost(url.hostname) ? undefined : 'is plain http on another computer'
  if (forbiddenSchemes.test(url.protocol)) return `has the scheme ${url.protocol} which is never allowed`
  if (privateUse.includes(uri)) return undefined
  return 'has a scheme of its own; the operator can allow exactly this URI in registration.privateUseRedirects'
}
