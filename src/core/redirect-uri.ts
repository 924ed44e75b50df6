import { isLoopbackHost } from './resource.ts'

/**
 * Says what is wrong with a redirect URI, or undefined for one that leads to https or to this computer (MCP
 * authorization, "Open Redirection"; RFC 8252 section 7). The input is untrusted.
 */
export function redirectProblem(uri: string): string | undefined {
  const url = URL.parse(uri)
  if (url === null) return 'is not a URL'
  if (uri.includes('#')) return 'has a fragment'
  if (url.username !== '' || url.password !== '') return 'has user information'
  if (url.protocol === 'https:') return undefined
  if (url.protocol === 'http:')
    return isLoopbackHost(url.hostname) ? undefined : 'is plain http on another computer'
  return 'has a scheme that is not allowed here'
}
