import { defaultTenant } from '../../core/default-tenant.ts'
import { isLocalHost, isLoopbackHost } from '../../core/resource.ts'
import { hostsOf } from '../../core/site.ts'
import { problem, type RuleProblem, within } from '../problems.ts'
import { publicUrlOf } from '../public-url.ts'
import type { ParsedConfig } from '../schema.ts'
import { tenantUrl } from '../tenant.ts'
import { duplicates } from './duplicates.ts'

type ParsedTenant = ParsedConfig['tenants'][number]

/** The rules for tenants: unique names and hosts, and within each tenant the rules of an installation. */
export function checkTenants(
  config: Partial<ParsedConfig>,
  checkOwn: (config: Partial<ParsedConfig>) => RuleProblem[],
): RuleProblem[] {
  const { mode, listen, tenants = [] } = config
  const takenNames = duplicates(tenants.map(({ name }) => name))
  const takenHosts = duplicates(tenants.map((tenant) => urlOf(tenant, config)?.host))
  return tenants.flatMap((tenant, index) => {
    const { name, host, limits: _, ...own } = tenant
    const address = listen && { listen, publicUrl: tenantUrl(publicUrlOf({ ...config, listen }), tenant) }
    const problems = checkOwn({ ...own, ...address, ...(mode && { mode }) })
    if (name === defaultTenant)
      problems.push(
        problem(['name'], `must not be ${defaultTenant}, which stands for the installation itself`),
      )
    if (takenNames.has(index)) problems.push(problem(['name'], `"${name}" is taken by an earlier tenant`))
    if (own.upstreams.length === 0)
      problems.push(problem(['upstreams'], 'must name at least one MCP server', ['upstreams']))
    const taken = takenHosts.has(index) ? `"${host}" is taken by an earlier tenant` : undefined
    const wrongHost = hostProblem(tenant, config) ?? taken
    const at = ['tenants', index]
    return [
      ...within(at, problems),
      ...(wrongHost === undefined ? [] : [problem([...at, 'host'], wrongHost, ['publicUrl'])]),
    ]
  })
}

/** The URL of a tenant with a host of its own, as far as it can be told. */
function urlOf(tenant: ParsedTenant, { publicUrl }: Partial<ParsedConfig>): URL | undefined {
  return tenant.host === undefined || publicUrl === undefined
    ? undefined
    : new URL(tenantUrl(publicUrl, tenant))
}

function hostProblem(tenant: ParsedTenant, config: Partial<ParsedConfig>): string | undefined {
  const { mode, publicUrl, allowedHosts = [] } = config
  if (tenant.host === undefined) return undefined
  if (publicUrl === undefined)
    return 'works only with publicUrl, whose scheme and port it takes: set publicUrl too'
  const { host, hostname, origin } = new URL(tenantUrl(publicUrl, tenant))
  if (mode === 'development' && !isLocalHost(hostname))
    return 'must be below localhost in development mode, where anybody can log in, such as acme.localhost'
  const own = new URL(publicUrl)
  // The spellings of loopback are one name.
  const isOwn = host === own.host || (isLoopbackHost(hostname) && isLoopbackHost(own.hostname))
  const names = hostsOf(origin)
  return isOwn || allowedHosts.some((name) => names.includes(name.toLowerCase()))
    ? 'is the name of the installation itself: give the tenant one of its own'
    : undefined
}
