import type { KoaContextWithOIDC } from 'oidc-provider'
import { pageHeaders } from '../http/page.ts'
import { interactionPath } from './configuration.ts'
import { displayedHost } from './consent-warnings.ts'
import { returnPage } from './pages/return-page.ts'
import { requestIdOf } from './request-id.ts'

/**
 * Keeps the authorization endpoint from sending a browser on that has not been asked anything. Anybody can register an
 * address and make a request that is refused, so a refusal that comes before the login is shown on a page, and the
 * person decides whether to follow it (RFC 9700 section 4.11.2). A code is issued only to who is signed in and has
 * agreed before; it goes on.
 */
export async function holdRedirect(context: KoaContextWithOIDC): Promise<void> {
  const { oidc } = context
  const target = context.res.getHeader('location')
  if (
    oidc.route !== 'authorization' ||
    typeof target !== 'string' ||
    oidc.entities.AuthorizationCode !== undefined
  )
    return
  const url = new URL(target, oidc.issuer)
  if (url.origin === new URL(oidc.issuer).origin && url.pathname.startsWith(`${interactionPath}/`)) return
  const answer = url.hash === '' ? url.searchParams : new URLSearchParams(url.hash.slice(1))
  context.remove('location')
  context.status = 400
  context.set({ ...pageHeaders })
  context.body = String(
    await returnPage({
      target,
      host: displayedHost(url),
      error: answer.get('error') ?? 'invalid_request',
      description: answer.get('error_description') ?? '',
      requestId: requestIdOf(context.req),
    }),
  )
}
