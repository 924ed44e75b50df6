import { type DashboardPlace, dashboardSessionSeconds } from './access-contract.ts'

/** The session id in the headers of a request; empty if there is none. Untrusted. */
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

/** The Set-Cookie header that begins a session at a host, or ends it if there is none. */
export function sessionCookie(
  place: DashboardPlace,
  host: string | undefined,
  session: string | undefined,
): string {
  const age = session === undefined ? 0 : dashboardSessionSeconds
  return `${cookieName(place, host)}=${session ?? ''}; Path=${place.base || '/'}; HttpOnly; SameSite=Strict; Max-Age=${age}`
}

/**
 * Each dashboard has its own cookie name, so that a browser can have several open. All ports of a host share
 * its cookies, so the name contains the port that the browser sees: the dashboards of several machines may be
 * reached through tunnels that all end on localhost.
 */
function cookieName({ tenant }: DashboardPlace, host: string | undefined): string {
  const port = URL.parse(`http://${host}`)?.port ?? ''
  return `portcullis_dashboard${port === '' ? '' : `-${port}`}${tenant === undefined ? '' : `_${tenant}`}`
}
