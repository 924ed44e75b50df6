import { Command } from 'commander'
import { callbackUrl } from '../compose/federation.ts'
import { describeIssuers } from '../compose/issuers.ts'
import { describeProvider } from '../config/describe-provider.ts'
import { loadConfig } from '../config/load.ts'
import { fileVariable } from '../config/reading/environment.ts'
import type { Config } from '../config/schema.ts'
import { configOfTenant } from '../config/tenant.ts'
import { systemClock } from '../core/clock.ts'
import { isLoopbackHost } from '../core/resource.ts'
import { describePolicies } from './describe-policies.ts'
import { addConfigFlag } from './flags.ts'
import { wrongOperand } from './operand-wrong.ts'

interface CheckFlags {
  readonly config?: string
  readonly askIssuers?: boolean
}

/** `portcullis check`: all problems of a configuration at once. */
export function checkCommand(): Command {
  return addConfigFlag(new Command('check'))
    .description('Report every problem of a configuration at once.')
    .argument('[file]', 'same as --config')
    .option('--ask-issuers', 'also ask the issuers of access tokens what they support for MCP clients')
    .action(
      async (operand: string | undefined, { config: named = operand, askIssuers = false }: CheckFlags) => {
        if (operand !== undefined && named !== operand)
          throw wrongOperand('--config', `${named} and ${operand} are two files: check one after the other`)
        const config = named ?? process.env[fileVariable]
        if (config === undefined) {
          throw wrongOperand('--config', 'name the file, such as: portcullis check -c portcullis.yaml')
        }
        const checked = loadConfig({
          file: config,
          environment: process.env,
          needsServer: true,
          certificateAt: systemClock.now(),
        })
        for (const hint of hints(checked)) console.error(`portcullis: ${hint}`)
        const tenants = checked.tenants.map((tenant) => configOfTenant(checked, tenant))
        for (const one of [checked, ...tenants]) {
          const prefix = one.tenant === undefined ? 'portcullis' : `portcullis: tenant ${one.tenant.name}`
          for (const line of await notes(one, askIssuers)) console.error(`${prefix}: ${line}`)
        }
        console.log(`${config} is valid: ${checked.mode} mode, ${describeServers(checked)}`)
        for (const line of addresses(checked)) console.log(`  ${line}`)
        for (const tenant of tenants) {
          console.log(`  tenant ${tenant.tenant?.name}: ${describeServers(tenant)}`)
          for (const line of addresses(tenant)) console.log(`    ${line}`)
        }
      },
    )
}

/** What others must know about a configuration, and what its issuers can do. */
async function notes(config: Config, askIssuers: boolean): Promise<string[]> {
  return [
    ...config.login.providers
      .map(describeProvider)
      .map(({ name, label }) => `register this redirect URI at ${label}: ${callbackUrl(config, name)}`),
    ...(askIssuers ? await describeIssuers(config, { clock: systemClock }) : []),
  ]
}

function describeServers({ upstreams, publicUrl }: Config): string {
  const servers = upstreams.length === 1 ? 'one MCP server' : `${upstreams.length} MCP servers`
  return `${servers} behind ${publicUrl}`
}

/** Where clients find each server, which the path of the public URL is a part of, and what policies there are. */
function addresses(config: Config): string[] {
  const { upstreams, publicUrl } = config
  const rows = [
    ...upstreams.map(({ name, path }) => [name, publicUrl + path] as const),
    ...describePolicies(config),
  ]
  const width = Math.max(...rows.map(([name]) => name.length)) + 2
  return rows.map(([name, value]) => name.padEnd(width) + value)
}

/** Settings that can be right, but usually are not. */
function hints({ publicUrl, listen }: Pick<Config, 'publicUrl' | 'listen'>): string[] {
  const { hostname, port, protocol } = new URL(publicUrl)
  const isLocal = isLoopbackHost(hostname)
  const publicPort = port === '' ? (protocol === 'https:' ? '443' : '80') : port
  const between = `publicUrl is ${publicUrl}, but the gateway listens at`
  const found: string[] = []
  if ((isLocal || listen.tls !== undefined) && publicPort !== String(listen.gateway)) {
    found.push(`${between} port ${listen.gateway}: this works only with ${passer(listen)} in between`)
  }
  if (listen.tls !== undefined && !isLocal && isLoopbackHost(listen.host)) {
    found.push(
      `${between} ${listen.host}: set listen.host, such as 0.0.0.0, unless there is ${passer(listen)} in between`,
    )
  }
  return found
}

function passer({ tls }: Config['listen']): string {
  return tls === undefined ? 'a proxy' : 'something that forwards connections'
}
