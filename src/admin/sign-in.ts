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

/** Each has a name of its own, so that a browser can have several open. */
function cookieName({ tenant }: DashboardPlace): string {
  return tenant === undefined ? 'portcullis_dashboard' : `portcullis_dashboard_${tenant}`
}

/** The session that a Cookie header names. Untrusted. */
export function sessionOf(place: DashboardPlace, cookies: string | undefined): string {
  for (const pair of (cookies ?? '').split(';')) {
    const [name, value = ''] = pair.trim().split('=', 2)
    if (name === cookieName(place)) return value
  }
  return ''
}

/** The Set-Cookie header that begins a session, or ends it where there is none. */
export function sessionCookie(place: DashboardPlace, session: string | undefined): string {
  const age = session === undefined ? 0 : dashboardSessionSeconds
  return `${cookieName(place)}=${session ?? ''}; Path=${place.base || '/'}; HttpOnly; SameSite=Strict; Max-Age=${age}`
}
