import { isIPv6 } from 'node:net'
import type { Config } from '../../config/schema.ts'
import { tenantPath } from '../../config/tenant.ts'
import { originAt } from '../../http/listen.ts'

/** The origin of an admin port, as seen from its own machine. */
export function adminUrl({ internalHost, adminHost = internalHost }: Config['listen'], port: number): string {
  // One that listens everywhere is here, too.
  const here = isIPv6(adminHost) ? '::1' : '127.0.0.1'
  return originAt('http', /^(?:0\.0\.0\.0|::)$/.test(adminHost) ? here : adminHost, port)
}

/** The link that opens a dashboard. A bearer secret: only for an operator to see, never for a log. */
export function dashboardLink(admin: string, tenant: Config['tenant'], token: string): string {
  return `${admin}${dashboardPath(tenant)}/sign-in/${token}`
}

/** The URL at which a dashboard proves that it is this one, for a given challenge. */
export function proofUrl(admin: string, tenant: Config['tenant'], challenge: string): string {
  return `${admin}${dashboardPath(tenant)}/proof/${challenge}`
}

/** The path of a dashboard on the admin port, where a tenant's own host name leads nowhere. */
export function dashboardPath(tenant: Config['tenant']): string {
  return tenant === undefined ? '' : tenantPath(tenant.name)
}
