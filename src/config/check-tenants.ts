import { isLocalHost, isLoopbackHost } from '../core/resource.ts'
import { hostsOf } from '../core/site.ts'
import type { RuleProblem } from './problems.ts'
import type { ParsedConfig } from './schema.ts'
import { tenantUrl } from './tenant.ts'

/** The name under which a store keeps what belongs to no tenant. */
const namelessTenant = 'default'

type ParsedTenant = ParsedConfig['tenants'][number]

/** The rules for tenants: unique names and hosts, and within each tenant the rules of an installation. */
export function checkTenants(
  { mode, publicUrl, tenants = [], allowedHosts = [] }: Partial<ParsedConfig>,
  checkOwn: (config: Partial<ParsedConfig>) => RuleProblem[],
): RuleProblem[] {
  return tenants.flatMap((tenant, index) => {
    const at = (path: readonly PropertyKey[]): readonly PropertyKey[] => ['tenants', index, ...path]
    const earlier = tenants.slice(0, index)
    const { name, host: _, limits: __, ...own } = tenant
    const problems: RuleProblem[] = checkOwn({ ...own, ...(mode === undefined ? {} : { mode }) }).map(
      ({ path, needs, ...rest }) => ({
        ...rest,
        path: at(path),
        ...(needs === undefined ? {} : { needs: at(needs) }),
      }),
    )
    const wrong = (setting: keyof ParsedTenant, message: string, needs = at([setting])): unknown =>
      problems.push({ path: at([setting]), message, needs })
    if (name === namelessTenant)
      wrong('name', 'must not be default, which stands for the installation itself')
    if (earlier.some((other) => other.name === name)) wrong('name', `"${name}" is taken by an earlier tenant`)
    if (own.upstreams.length === 0) wrong('upstreams', 'must name at least one MCP server')
    const why = hostProblem(tenant, earlier, { mode, publicUrl, allowedHosts })
    if (why !== undefined) wrong('host', why, ['publicUrl'])
    return problems
  })
}

function hostProblem(
  tenant: ParsedTenant,
  earlier: readonly ParsedTenant[],
  {
    mode,
    publicUrl,
    allowedHosts,
  }: Pick<ParsedConfig, 'publicUrl' | 'allowedHosts'> & {
    readonly mode: ParsedConfig['mode'] | undefined
  },
): string | undefined {
  if (tenant.host === undefined) return undefined
  if (publicUrl === undefined)
    return 'works only with publicUrl, whose scheme and port it takes: set publicUrl too'
  const url = URL.parse(tenantUrl(publicUrl, tenant))
  if (url === null)
    return 'must be a host name in lower case, without scheme and path, such as mcp.acme.example'
  const { host, hostname } = url
  if (mode === 'development' && !isLocalHost(hostname))
    return 'must be below localhost in development mode, where anybody can log in, such as acme.localhost'
  const { host: own, hostname: ownName } = new URL(publicUrl)
  // The spellings of loopback are one name.
  const isOwn = host === own || (isLoopbackHost(hostname) && isLoopbackHost(ownName))
  const names = hostsOf(url.origin)
  if (isOwn || allowedHosts.some((name) => names.includes(name.toLowerCase())))
    return 'is the name of the installation itself: give the tenant one of its own'
  const isTaken = earlier.some(
    (other) => other.host !== undefined && URL.parse(tenantUrl(publicUrl, other))?.host === host,
  )
  return isTaken ? `"${tenant.host}" is taken by an earlier tenant` : undefined
}
