import { Command } from 'commander'
import { startDemoServer } from '../../demo/server.ts'
import { start } from '../app.ts'
import { loadConfig } from '../config/load.ts'
import type { Config, ConfigInput } from '../config/schema.ts'
import { explainListenError } from '../http/listen.ts'
import { describeRunning, nextHints, tellOfSetUp } from './banner.ts'
import { addStartFlags, type StartFlags, startSettings } from './flags.ts'
import { closeOnSignal } from './signals.ts'

/** The configuration of the demo, except for its server. */
export const demoSettings: ConfigInput = {
  mode: 'development',
  log: { format: 'text' },
  clients: [
    {
      id: 'mcp-inspector-client',
      name: 'MCP Inspector',
      redirectUris: ['http://127.0.0.1:6274/oauth/callback', 'http://localhost:6274/oauth/callback'],
    },
    {
      id: 'demo-m2m',
      name: 'Demo machine client',
      secret: 'demo-m2m-secret',
      grantTypes: ['client_credentials'],
      scopes: ['mcp:*'],
    },
  ],
}

/** `portcullis demo`: the four servers, ready for MCP Inspector. */
export function demoCommand(): Command {
  return addStartFlags(new Command('demo'))
    .description('Start the gateway, the authorization server and a demo MCP server.')
    .action(async (flags: StartFlags) => {
      // With a given port it runs next to another demo, so the other listeners take free ports.
      const listen = flags.port === undefined ? {} : { authorizationServer: 0, admin: 0, demo: 0 }
      const own = { ...demoSettings, listen }
      const settings = loadConfig({
        base: own,
        environment: process.env,
        flags: startSettings(flags),
      })
      const demo = await startDemo(settings)
      const upstreams = [{ name: 'demo', path: '/mcp', url: demo.url }]
      const base = { ...own, upstreams }
      const running = await start(
        loadConfig({ base, environment: process.env, flags: startSettings(flags) }),
      ).catch(async (error: unknown) => {
        await demo.close()
        throw error
      })
      const demoRow = ['demo MCP server', `${demo.url}  (only through the gateway)`] as const
      const link = await running.createDashboardLink?.()
      console.log(describeRunning(running, link, [demoRow]) + nextHints(running, settings, flags))
      tellOfSetUp(running, settings)
      await closeOnSignal(async () => {
        await running.close()
        await demo.close()
      })
    })
}

async function startDemo({ listen, publicUrl }: Config): ReturnType<typeof startDemoServer> {
  const gateway = { issuer: `${publicUrl}/gateway`, jwksUrl: `${publicUrl}/gateway/jwks` }
  const place = {
    name: 'demo MCP server',
    host: listen.internalHost,
    port: listen.demo,
    fix: 'PORTCULLIS_LISTEN_DEMO, or choose a port for the gateway with --port, and the others take free ones',
    hostFix: 'PORTCULLIS_LISTEN_INTERNAL_HOST',
  }
  try {
    return await startDemoServer({ ...place, gateway })
  } catch (error) {
    throw await explainListenError(error, place)
  }
}
