import { startDemoServer } from '../../demo/server.ts'
import { demoSettings } from '../../src/cli/demo.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { freePort, type Installation, startInstallation } from './installation.ts'

/** What `portcullis demo` starts, on separate ports. */
export interface DemoInstallation extends Installation {
  /** The demo server itself, behind the gateway. */
  readonly demoUrl: string
}

/** Starts the demo server with a gateway in front, whose public URL has this path. */
export async function startDemoInstallation(
  config: ConfigInput = {},
  basePath = '',
): Promise<DemoInstallation> {
  const port = await freePort()
  const publicUrl = `http://127.0.0.1:${port}${basePath}`
  const gateway = { issuer: `${publicUrl}/gateway`, jwksUrl: `${publicUrl}/gateway/jwks` }
  const demo = await startDemoServer({ host: '127.0.0.1', port: 0, gateway })
  const installation = await startInstallation({
    config: {
      ...demoSettings,
      publicUrl,
      upstreams: [{ name: 'demo', path: '/mcp', url: demo.url }],
      ...config,
      listen: { gateway: port, authorizationServer: 0, admin: 0, ...config.listen },
    },
  })
  return Object.assign(Object.create(installation) as Installation, {
    demoUrl: demo.url,
    async close() {
      await installation.close()
      await demo.close()
    },
  })
}
