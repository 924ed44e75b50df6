import { z } from 'zod'
import { tenantLimitsSchema } from './limits.ts'

const hostProblem = 'must be a host name in lower case, without scheme and path, such as mcp.acme.example'

/** The settings that each tenant has for itself. What it does not set is as the schema says, and never another's. */
export const tenantSettings = {
  upstreams: true,
  scopes: true,
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

/** What a tenant is called, where it is found, and what differs from the same setting of an installation. */
export const tenantOwn = {
  name: z
    .string()
    .regex(
      /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/,
      'must be up to 32 lower-case letters, digits and hyphens, with no hyphen at either end, such as acme',
    )
    .meta({
      description:
        'What the tenant is called: it is found at `<publicUrl>/t/<name>`, and its data under this name. Never change it.',
    }),
  host: z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?$/, hostProblem)
    .refine((host) => URL.canParse(`https://${host}`), hostProblem)
    .optional()
    .meta({
      description:
        'A host name of its own, in place of the path: then the tenant is found at `https://<host>`. With a port only where it is not that of `publicUrl`.',
    }),
  limits: tenantLimitsSchema,
}

/** Whose configuration one is, where it is that of a tenant. */
export interface TenantOf {
  readonly name: string
  /** The data folder of the whole installation, where its secret is. */
  readonly home: string
}
