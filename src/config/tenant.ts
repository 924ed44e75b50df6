import { join, resolve } from 'node:path'
import { deepFreeze } from './freeze.ts'
import type { Config, TenantConfig } from './schema.ts'

/** The first segment of the paths of tenants. */
const tenantSegment = 't'

/** The path of a tenant under the public URL. */
export function tenantPath(name: string): string {
  return `/${tenantSegment}/${name}`
}

/**
 * The public URL of a tenant: a path under that of the installation, or a separate origin with the same
 * scheme.
 */
export function tenantUrl(publicUrl: string, { name, host }: Pick<TenantConfig, 'name' | 'host'>): string {
  if (host === undefined) return publicUrl + tenantPath(name)
  const { protocol, port } = new URL(publicUrl)
  const url = new URL(`${protocol}//${host}`)
  if (!host.includes(':')) url.port = port
  return url.origin
}

/**
 * The complete configuration of a tenant: a separate installation with its own data, which shares the
 * process, its listeners, and the destinations of its data, log and audit.
 */
export function configOfTenant(config: Config, tenant: TenantConfig): Config {
  const { name, host, ...own } = tenant
  const { data, audit } = config
  const { redis, headerBytes, headSeconds, requestSeconds } = config.limits
  const folder = audit.folder === undefined ? undefined : join(audit.folder, 'tenants', name)
  return deepFreeze({
    ...config,
    ...own,
    publicUrl: tenantUrl(config.publicUrl, tenant),
    // A tenant with its own host name is served under no other.
    allowedHosts: host === undefined ? config.allowedHosts : [],
    limits: { ...own.limits, redis: own.limits.redis ?? redis, headerBytes, headSeconds, requestSeconds },
    data: join(data, 'tenants', name),
    audit: { ...audit, folder },
    tenants: [],
    tenant: { name, home: resolve(data) },
  })
}
