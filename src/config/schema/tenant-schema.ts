import { z } from 'zod'
import { tenantLimitsSchema } from './limits-schema.ts'

const hostProblem = 'must be a host name in lower case, without scheme and path, such as mcp.acme.example'

/** Labels of up to 63 characters (RFC 1123 section 2.1), and a port. */
const hostPattern =
  /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*(?::\d{1,5})?$/

/** Clients ask for what a URL makes of a host: of some numbers it makes another one, which would find no tenant. */
function isAsBrowsersWriteIt(host: string): boolean {
  return URL.parse(`https://${host}`)?.hostname === host.replace(/:.*/, '')
}

/** The settings that each tenant has for itself. What it does not set is as the schema says, and never another's. */
export const tenantSettings = {
  upstreams: true,
  scopes: true,
  policies: true,
  policyMode: true,
  roles: true,
  login: true,
  consent: true,
  clients: true,
  registration: true,
  issuers: true,
  authorizationServer: true,
  tokens: true,
  grants: true,
  dpop: true,
  cors: true,
} as const

/** The name and address of a tenant, and the settings that differ from an installation's. */
export const tenantOwn = {
  name: z
    .string()
    .regex(
      /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/,
      'must be up to 32 lower-case letters, digits and hyphens, with no hyphen at either end, such as acme',
    )
    .meta({
      description:
        'Name of the tenant. It is reached at `<publicUrl>/t/<name>`, and its data is stored under this name. Never change it.',
    }),
  host: z.string().regex(hostPattern, hostProblem).refine(isAsBrowsersWriteIt, hostProblem).optional().meta({
    description:
      "The tenant's own host name, used instead of the path: the tenant is then reached at `https://<host>`. Give a port only if it is not that of `publicUrl`.",
  }),
  limits: tenantLimitsSchema,
}

/** Which tenant a configuration belongs to. */
export interface TenantOf {
  readonly name: string
  /** The data folder of the whole installation, where its secret is. */
  readonly home: string
}
