import dns, { type LookupAddress, type LookupAllOptions } from 'node:dns'
import type { ConfigInput } from '../../src/config/schema.ts'
import type { Clock } from '../../src/core/clock.ts'
import { type GatedSpy, gateAt } from './gated-spy.ts'
import { freePort, type Installation, startInstallation, testClients } from './installation.ts'
import { type SpyUpstream, startSpyUpstream } from './spy-upstream.ts'

type TenantInput = NonNullable<ConfigInput['tenants']>[number]

/** A tenant, with a spy behind it. */
export interface TestTenant extends GatedSpy {
  readonly name: string
  readonly url: string
  readonly mcpUrl: string
}

/** An installation with two tenants: `acme` by its path, `globex` by its own host name. */
export interface TestTenants {
  readonly installation: Installation
  readonly acme: TestTenant
  readonly globex: TestTenant
  close(): Promise<void>
}

/** Starts an MCP server for a tenant, given the tenant's URL. */
type StartServer = (tenantUrl: string) => Promise<{ readonly url: string; close(): Promise<void> }>

interface TenantOptions {
  /** Replaces the spy behind each tenant. */
  readonly startServer?: StartServer
  readonly config?: ConfigInput
  /** The settings that both tenants have. */
  readonly both?: Partial<TenantInput>
  readonly acme?: Partial<TenantInput>
  readonly globex?: Partial<TenantInput>
  readonly clock?: Clock
}

/** Names below localhost resolve to loopback (RFC 6761), whether or not the system knows that. */
export function resolveLocalNames(): void {
  const { lookup } = dns
  const resolve = (name: string, options: LookupAllOptions, done: (...found: unknown[]) => void): void => {
    if (!name.endsWith('.localhost')) return lookup(name, options, done)
    const found: LookupAddress = { address: '127.0.0.1', family: 4 }
    if (options.all) done(null, [found])
    else done(null, found.address, found.family)
  }
  Object.assign(dns, { lookup: resolve })
}

/** Starts an installation with two tenants whose clients, users and servers have the same names. */
export async function startTenants(options: TenantOptions = {}): Promise<TestTenants> {
  resolveLocalNames()
  const { config = {}, both = {}, clock } = options
  const spies = { acme: await startSpyUpstream(), globex: await startSpyUpstream() }
  const gateway = await freePort()
  const urls = {
    acme: `http://127.0.0.1:${gateway}/t/acme`,
    globex: `http://globex.localhost:${gateway}`,
  }
  const start: StartServer =
    options.startServer ?? (async (url) => (url === urls.acme ? spies.acme : spies.globex))
  const servers = { acme: await start(urls.acme), globex: await start(urls.globex) }
  const tenant = (name: keyof typeof spies): TenantInput => ({
    name,
    clients: testClients,
    upstreams: [upstreamOf(servers[name])],
    ...both,
    ...options[name],
  })
  const installation = await startInstallation({
    config: {
      ...config,
      listen: { gateway, ...config.listen },
      tenants: [tenant('acme'), { host: 'globex.localhost', ...tenant('globex') }],
    },
    ...(clock === undefined ? {} : { clock }),
  })
  const at = (name: keyof typeof spies): TestTenant => ({
    ...gateAt(installation, urls[name], spies[name]),
    name,
    url: urls[name],
    mcpUrl: `${urls[name]}/mcp`,
  })
  return {
    installation,
    acme: at('acme'),
    globex: at('globex'),
    async close() {
      await installation.close()
      for (const server of new Set([...Object.values(servers), ...Object.values(spies)])) await server.close()
    },
  }
}

function upstreamOf({ url }: Pick<SpyUpstream, 'url'>): NonNullable<TenantInput['upstreams']>[number] {
  return { name: 'spy', path: '/mcp', url, transport: 'streamable-http', era: 'both', responseSeconds: 2 }
}
