import assert from 'node:assert/strict'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { type DemoInstallation, startDemoInstallation } from '../support/demo-installation.ts'
import { fakeBrowserCommand } from '../support/fake-browser-command.ts'
import { clientModules } from '../support/tools.ts'

let installation: DemoInstallation
let program: string
before(async () => {
  program = join(await clientModules(), 'mcp-remote/dist/proxy.js')
  installation = await startDemoInstallation()
})
after(() => installation.close())

for (const protocol of ['legacy', 'auto']) {
  describe(`mcp-remote, ${protocol}`, () => {
    it('signs in through the browser, lists, and calls a tool after step-up', {
      timeout: 120_000,
    }, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'mcp-remote-'))
      const client = new Client({ name: 'host', version: '1' })
      const transport = new StdioClientTransport({
        command: process.execPath,
        args: [program, installation.mcpUrl, '--protocol', protocol, '--silent'],
        env: {
          ...(process.env as Record<string, string>),
          MCP_REMOTE_CONFIG_DIR: folder,
          BROWSER: fakeBrowserCommand(),
        },
        stderr: 'ignore',
      })
      await client.connect(transport)
      assert.equal((await client.listTools()).tools.length, 10)
      const result = await client.callTool({ name: 'add', arguments: { a: 2, b: 3 } })
      assert.deepEqual(result.structuredContent, { result: 5 })
      await client.close()
    })
  })
}
