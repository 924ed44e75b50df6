/** What the dashboard remembers of who may see it. Shared by all processes of an installation. */
export interface DashboardAccess {
  /** A link's token, for the eyes of the operator who asked for it: good once, for a quarter of an hour. */
  readonly createLink: (operator: string) => Promise<string>
  /** Uses a link up and begins a session: of many at once, one gets it. Undefined for every other token. Untrusted. */
  readonly enter: (token: string, address: string | undefined) => Promise<string | undefined>
  /** Whose link began the session of that id; undefined where none of it is on. Untrusted. */
  readonly operatorOf: (session: string) => Promise<string | undefined>
  readonly leave: (session: string, address: string | undefined) => Promise<void>
  /** Takes note of a form that is refused before anybody looks at what it asks for, and whose session it used. */
  readonly deny: (address: string | undefined, operator?: string) => void
  /** The token of the forms of a session. */
  readonly formToken: (session: string) => string
  /** Answers a text that somebody made up, which nobody can without the installation's secret. Untrusted. */
  readonly prove: (challenge: string) => string
}

/** How long a session lasts, in seconds. */
export const dashboardSessionSeconds = 8 * 3600

/** Whose dashboard one is, and the path under which it stands: empty for that of the installation itself. */
export interface DashboardPlace {
  readonly tenant: string | undefined
  readonly base: string
}

/**
 * Each has a name of its own, so that a browser can have several open. All ports of a host share its cookies, so the port
 * is in the name, as the browser knows it: several machines may be behind tunnels of one.
 */
function cookieName({ tenant }: DashboardPlace, host: string | undefined): string {
  const port = URL.parse(`http://${host}`)?.port ?? ''
  return `portcullis_dashboard${port === '' ? '' : `-${port}`}${tenant === undefined ? '' : `_${tenant}`}`
}

/** The session that the headers Cookie and Host name. Untrusted. */
export function sessionOf(
  place: DashboardPlace,
  { cookie, host }: { readonly cookie: string | undefined; readonly host: string | undefined },
): string {
  const wanted = cookieName(place, host)
  for (const pair of (cookie ?? '').split(';')) {
    const [name, value = ''] = pair.trim().split('=', 2)
    if (name === wanted) return value
  }
  return ''
}

/** The Set-Cookie header that begins a session at a host, or ends it where there is none. */
export function sessionCookie(
  place: DashboardPlace,
  host: string | undefined,
  session: string | undefined,
): string {
  const age = session === undefined ? 0 : dashboardSessionSeconds
  return `${cookieName(place, host)}=${session ?? ''}; Path=${place.base || '/'}; HttpOnly; SameSite=Strict; Max-Age=${age}`
}
