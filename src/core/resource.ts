/**
 * The canonical form of a resource indicator (RFC 8707 section 2, MCP authorization "Canonical Server URI"):
 * lower-case scheme and host, no default port, no trailing slash. Returns undefined for what cannot be a
 * resource: a scheme other than http or https, user information, a fragment. The input is untrusted.
 */
export function canonicalResource(value: string): string | undefined {
  if (value.includes('#')) return undefined
  const url = URL.parse(value)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined
  if (url.username !== '' || url.password !== '') return undefined
  return url.origin + withoutTrailingSlash(url.pathname) + url.search
}

/** Drops one trailing slash from a path or URL. */
export function withoutTrailingSlash(value: string): string {
  return value.endsWith('/') ? value.slice(0, -1) : value
}

/**
 * Whether a URL's host name means this computer, including names below `localhost` (RFC 6761 section 6.3).
 */
export function isLocalHost(hostname: string): boolean {
  return isLoopbackHost(hostname) || hostname.endsWith('.localhost')
}

/** Whether a URL's host name is a loopback address or `localhost`. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname)
}
