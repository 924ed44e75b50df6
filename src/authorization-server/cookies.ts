import { digest } from '../core/secret.ts'
import type { Site } from '../core/site.ts'

/** What our cookies are called. */
interface CookieNames {
  readonly session: string
  readonly interaction: string
  readonly resume: string
  /** Binds the forms that belong to no session and no request to one browser. */
  readonly form: string
  /** Who has signed in at this browser before. */
  readonly known: string
  /** How the cookies begin that bind a visit to an identity provider to one browser. */
  readonly visit: string
}

/**
 * The names keep two installations of one host apart. A path does so for cookies only where neither is below the other,
 * and all ports of a host share its cookies, so a port that is not the default is in the name as well. Browsers take
 * `__Host-` for cookies of a whole host alone.
 */
export function cookieNames({ url, basePath }: Site): CookieNames {
  const { protocol, port } = new URL(url)
  const isSecure = protocol === 'https:'
  const place = basePath === '' ? '' : `-${digest(basePath).slice(0, 8)}`
  const name = `portcullis${port === '' ? '' : `-${port}`}${place}`
  const forSite = isSecure ? (basePath === '' ? '__Host-' : '__Secure-') : ''
  const forRequest = isSecure ? '__Secure-' : ''
  return {
    session: forSite + name,
    interaction: `${forRequest}${name}-interaction`,
    resume: `${forRequest}${name}-resume`,
    form: `${forSite}${name}-form`,
    known: `${forSite}${name}-known`,
    visit: `${forSite}${name}-visit-`,
  }
}

interface CookieOptions {
  readonly httpOnly: true
  readonly sameSite: 'lax'
  readonly secure: boolean
  readonly overwrite: true
  readonly signed: true
}

/** For cookies of one authorization request, whose path the library sets. */
export function shortCookie({ url }: Site): CookieOptions {
  return {
    httpOnly: true,
    sameSite: 'lax',
    secure: url.startsWith('https:'),
    overwrite: true,
    signed: true,
  }
}

/** For cookies of the whole site, which other applications of the host never get. */
export function longCookie(site: Site): CookieOptions & { readonly path: string } {
  return { ...shortCookie(site), path: site.basePath === '' ? '/' : site.basePath }
}
