import { digest } from '../core/secret.ts'
import type { Site } from '../core/site.ts'

/** The names of our cookies. */
interface CookieNames {
  readonly session: string
  readonly interaction: string
  readonly resume: string
  /** Binds forms that belong to no session and no request to one browser. */
  readonly form: string
  /** Who has signed in with this browser before. */
  readonly known: string
  /** The prefix of the cookies that bind a visit to an identity provider to one browser. */
  readonly visit: string
}

/**
 * The names keep two installations on one host apart. Cookie paths separate them only if neither path is
 * below the other, and all ports of a host share its cookies, so a port that is not the default is part of
 * the name as well. Browsers accept `__Host-` only for cookies of a whole host.
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

/** For cookies of the whole site, which other applications on the host never get. */
export function longCookie(site: Site): CookieOptions & { readonly path: string } {
  return { ...shortCookie(site), path: site.basePath === '' ? '/' : site.basePath }
}
