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

/** Cookies of one host are shared by all its ports, so on loopback the port keeps two installations apart. */
export function cookieNames(issuer: string): CookieNames {
  const { protocol, port } = new URL(issuer)
  if (protocol === 'https:') {
    return {
      session: '__Host-portcullis',
      interaction: '__Secure-portcullis-interaction',
      resume: '__Secure-portcullis-resume',
      form: '__Host-portcullis-form',
      known: '__Host-portcullis-known',
      visit: '__Host-portcullis-visit-',
    }
  }
  const session = `portcullis-${port}`
  return {
    session,
    interaction: `${session}-interaction`,
    resume: `${session}-resume`,
    form: `${session}-form`,
    known: `${session}-known`,
    visit: `${session}-visit-`,
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
export function shortCookie(issuer: string): CookieOptions {
  return {
    httpOnly: true,
    sameSite: 'lax',
    secure: issuer.startsWith('https:'),
    overwrite: true,
    signed: true,
  }
}

/** For cookies of the whole origin. */
export function longCookie(issuer: string): CookieOptions & { readonly path: '/' } {
  return { ...shortCookie(issuer), path: '/' }
}
