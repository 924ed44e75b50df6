import { join } from 'node:path'
import type { ConfigInput } from '../../src/config/schema.ts'
import { startLegacy, startModern, startSse } from '../fixtures/eras/http.ts'
import { type Installation, startInstallation } from './installation.ts'

/** The existing kinds of MCP servers. */
export const serverKinds = ['modern HTTP', 'legacy HTTP', 'HTTP+SSE', 'modern stdio', 'legacy stdio'] as const

/** One of them. */
export type ServerKind = (typeof serverKinds)[number]

/** A gateway with a server of each kind behind it. */
export interface EraServers {
  readonly installation: Installation
  /** The name of a server in the configuration, and so in the log. */
  nameOf(kind: ServerKind): string
  /** The URL of a server at the gateway. */
  urlOf(kind: ServerKind): string
  close(): Promise<void>
}

const program = join(import.meta.dirname, '../fixtures/eras/stdio.ts')

/** Starts the servers and the gateway in front of them. `settings` apply to every upstream. */
export async function startEraServers(
  settings: Partial<NonNullable<ConfigInput['upstreams']>[number]> = {},
): Promise<EraServers> {
  const servers = {
    'modern HTTP': await startModern(),
    'legacy HTTP': await startLegacy(),
    'HTTP+SSE': await startSse(),
  }
  const upstreams = serverKinds.map((kind) => {
    const name = nameOf(kind)
    const target =
      kind === 'modern HTTP' || kind === 'legacy HTTP' || kind === 'HTTP+SSE'
        ? { url: servers[kind].url }
        : { command: [process.execPath, program, kind === 'modern stdio' ? 'modern' : 'legacy'] }
    return { name, path: `/${name}/mcp`, ...target, ...settings }
  })
  const installation = await startInstallation({ config: { upstreams } })
  return {
    installation,
    nameOf,
    urlOf: (kind) => `${installation.url}/${nameOf(kind)}/mcp`,
    async close() {
      await installation.close()
      await Promise.all(Object.values(servers).map((server) => server.close()))
    },
  }
}

function nameOf(kind: ServerKind): string {
  return kind.toLowerCase().replaceAll(/[^a-z]+/g, '-')
}
