import type { EventName } from '../../src/audit/event.ts'

interface Answered {
  readonly method: string
  readonly url: URL
  readonly response: Response
}

/**
 * The event that the audit must have for an answer of the gateway, by request and path (docs/audit.md).
 * Undefined for what decides nothing: documents, pages with a form, and what does not exist.
 */
export function expectedEvent({ method, url, response }: Answered): EventName | undefined {
  const { status, headers } = response
  const onward = URL.parse(headers.get('location') ?? '', url)
  if (onward !== null && onward.origin !== url.origin && onward.searchParams.has('code')) return 'oauth.grant'
  if (status === 404 || status === 405) return undefined
  const { pathname } = url
  if (pathname.endsWith('/mcp') && !pathname.startsWith('/.well-known/')) return 'mcp.call'
  // Users return from an identity provider by GET.
  if (pathname.includes('/login/callback/'))
    return onward?.pathname.startsWith('/authorize/') === true ? 'oauth.login' : undefined
  if (method === 'POST') return posted.find(([path]) => path.test(pathname))?.[1]
  return pathname === '/authorize' ? 'oauth.authorization' : undefined
}

const posted: readonly (readonly [RegExp, EventName])[] = [
  [/\/login(?:\/provider)?$/, 'oauth.login'],
  [/\/consent$/, 'oauth.consent'],
  [/^\/token$/, 'oauth.token'],
  [/^\/register$/, 'oauth.registration'],
]
