import { parse } from 'node:querystring'
import type { Provider } from 'oidc-provider'
import { keyedDigest, randomToken, secretsEqual } from '../core/secret.ts'
import { cookieNames, longCookie } from './cookies.ts'
import { errors } from './library/library.ts'
import { type PageContext, textOf, visitOf } from './page-app.ts'
import type { AuthorizationServerSettings } from './settings.ts'

/** A posted form; a list if a field was sent more than once. Untrusted. */
export type Form = Readonly<Record<string, unknown>>

/**
 * The tokens that prove that a form is ours. Each belongs to a holder that another site cannot choose for a
 * browser: an authorization request, a session or, for pages that have neither, the browser itself.
 */
export interface Forms {
  token(holder: string): string
  /**
   * Reads the form that was posted. Throws SessionNotFound for one that comes from elsewhere or belongs to
   * somebody else.
   */
  read(context: PageContext, holder: string): Form
  /**
   * The holder for this browser, identified by a cookie that it gets with its first page. Throws
   * SessionNotFound for a form without one.
   */
  browser(context: PageContext): string
}

/** Forms with their own key. */
export function pageForms(provider: Provider, { secret, site }: AuthorizationServerSettings): Forms {
  const cookie = cookieNames(site).form
  const token = keyedDigest(secret.derive('csrf'))
  return {
    token,
    read(context, holder) {
      const origin = context.req.header('origin')
      if (origin !== undefined && !site.origins.includes(origin))
        throw new errors.SessionNotFound('foreign form')
      // Creating a Request and its FormData takes longer than all the rest of the answer.
      const form = parse(context.var.body)
      if (!secretsEqual(textOf(form['csrf']), token(holder)))
        throw new errors.SessionNotFound('wrong form token')
      return form
    },
    browser(context) {
      const { req, res } = visitOf(context)
      const { cookies } = provider.createContext(req, res)
      const known = cookies.get(cookie, { signed: true })
      if (known !== undefined) return `browser ${known}`
      // A form from another site comes without the cookie, and must not replace the cookie that our open
      // pages rely on.
      if (req.method === 'POST') throw new errors.SessionNotFound('a form without its cookie')
      const made = randomToken(16)
      cookies.set(cookie, made, longCookie(site))
      return `browser ${made}`
    },
  }
}
