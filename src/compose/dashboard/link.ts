import { isIPv6 } from 'node:net'
import type { Config } from '../../config/schema.ts'
import { tenantPath } from '../../config/tenant.ts'
import { originAt } from '../../http/listen.ts'

/** The origin of an admin port, for somebody on its machine. */
export function adminUrl({ internalHost, adminHost = internalHost }: Config['listen'], port: number): string {
  // One that listens everywhere is here, too.
  const here = isIPv6(adminHost) ? '::1' : '127.0.0.1'
  return originAt('http', /^(?:0\.0\.0\.0|::)$/.test(adminHost) ? here : adminHost, port)
}

/** Where a link opens a dashboard. A bearer secret: for the operator's eyes, never for a log. */
export function dashboardLink(admin: string, tenant: Config['tenant'], token: string): string {
  return `${admin}${dashboardPath(tenant)}/sign-in/${token}`
}

/** Where a dashboard asks to be told from others, with a text of the asker's. */
export function proofUrl(admin: string, tenant: Config['tenant'], challenge: string): string {
  return `${admin}${dashboardPath(tenant)}/proof/${challenge}`
}

/** The path of a dashboard on the admin port, where a host name of its own leads nowhere. */
export function dashboardPath(tenant: Config['tenant']): string {
  return tenant === undefined ? '' : tenantPath(tenant.name)
}
