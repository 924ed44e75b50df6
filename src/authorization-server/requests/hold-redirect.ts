import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Site } from '../../core/site.ts'
import { displayedHost } from '../consent/consent-warnings.ts'
import { ownPage, renderLibraryError } from '../error-page.ts'
import { answerWithPage } from '../library/library-page.ts'
import { returnPage } from '../pages/return-page.ts'
import { interactionPath } from '../paths.ts'
import { requestIdOf } from '../request-id.ts'

/**
 * Keeps the authorization endpoint from redirecting a browser whose user has not been asked anything. Anyone
 * can register an address and make a request that is refused, so a refusal that comes before the login is
 * shown on a page, where the user decides whether to follow it (RFC 9700 section 4.11.2). A code is issued
 * only to users who are signed in and have agreed before, so those are redirected. An answer that is neither
 * a redirect nor a page of ours is never sent.
 */
export async function holdRedirect(site: Site, context: KoaContextWithOIDC): Promise<void> {
  const { oidc } = context
  if (oidc.route !== 'authorization' || context.state[ownPage] === true) return
  const target = context.res.getHeader('location')
  if (typeof target !== 'string') return refuse(site, context)
  if (oidc.entities.AuthorizationCode !== undefined) return
  const url = new URL(target, site.url)
  const pages = site.path(interactionPath(''))
  if (url.origin === site.origins[0] && url.pathname.startsWith(pages)) return
  const answer = url.hash === '' ? url.searchParams : new URLSearchParams(url.hash.slice(1))
  context.remove('location')
  context.status = 400
  const page = returnPage(site, {
    target,
    host: displayedHost(url),
    error: answer.get('error') ?? 'invalid_request',
    description: answer.get('error_description') ?? '',
    requestId: requestIdOf(context.req),
  })
  await answerWithPage(context, page)
}

/**
 * Anything else that the library would answer with runs a script on our origin, which posts to an address of
 * the client's.
 */
function refuse(site: Site, context: KoaContextWithOIDC): Promise<void> {
  context.status = 400
  const description = 'the answer can be sent as a redirect alone'
  return renderLibraryError(site)(context, { error: 'invalid_request', error_description: description })
}
