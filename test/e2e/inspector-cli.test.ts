import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { readDevelopmentToken } from '../support/command.ts'
import { type DemoInstallation, startDemoInstallation } from '../support/demo-installation.ts'
import { fakeBrowserCommand } from '../support/fake-browser-command.ts'
import { clientModules } from '../support/tools.ts'

interface Result {
  readonly code: number | null
  readonly output: string
}

let installation: DemoInstallation
let launcher: string
before(async () => {
  launcher = join(await clientModules(), '@modelcontextprotocol/inspector/clients/launcher/build/index.js')
  installation = await startDemoInstallation()
})
after(() => installation.close())

for (const era of ['legacy', 'auto', 'modern']) {
  describe(`Inspector CLI, ${era}`, () => {
    it('registers, signs in, steps up, and calls a tool', { timeout: 120_000 }, async () => {
      const call = ['--method', 'tools/call', '--tool-name', 'add', '--tool-arg', 'a=2', '--tool-arg', 'b=3']
      const { output } = await inspect(await home(), ['--protocol-era', era, ...call])
      assert.match(output, /"structuredContent":\{"result":5\}/)
    })
  })
}

describe('Inspector CLI', () => {
  it('steps up as the pre-registered client, with the scopes of the challenge', {
    timeout: 120_000,
  }, async () => {
    const call = ['--method', 'tools/call', '--tool-name', 'add', '--tool-arg', 'a=2', '--tool-arg', 'b=3']
    const { output } = await inspect(await home(), ['--client-id', 'mcp-inspector-client', ...call])
    assert.match(output, /"structuredContent":\{"result":5\}/)
  })

  it('reuses stored tokens without a browser, and says so where there are none', {
    timeout: 120_000,
  }, async () => {
    const folder = await home()
    assert.equal((await inspect(folder, ['--stored-auth-only', '--method', 'tools/list'])).code, 3)
    assert.match((await inspect(folder, ['--method', 'tools/list'])).output, /"factorial"/)
    assert.match(
      (await inspect(folder, ['--stored-auth-only', '--method', 'prompts/list'])).output,
      /"security-review"/,
    )
  })

  it('takes the token that `portcullis token` prints', { timeout: 120_000 }, async () => {
    const token = await readDevelopmentToken(installation)
    const args = [
      '--header',
      `Authorization: Bearer ${token}`,
      '--method',
      'resources/read',
      '--uri',
      'demo:///sample.md',
    ]
    assert.match((await inspect(await home(), args)).output, /# Sample/)
  })
})

describe('Inspector CLI, at a public URL with a path', () => {
  it('finds its way by documents at the root of the host, signs in and calls a tool (AM4, D3)', {
    timeout: 120_000,
  }, async (test) => {
    const gate = await startDemoInstallation({}, '/team/gate')
    test.after(() => gate.close())
    const call = ['--method', 'tools/call', '--tool-name', 'add', '--tool-arg', 'a=2', '--tool-arg', 'b=3']
    const { output } = await inspect(await home(), call, gate.mcpUrl)
    assert.match(output, /"structuredContent":\{"result":5\}/)
  })
})

/** Inspector keys what it stores by the URL of the server, so each test has a home of its own. */
function home(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'inspector-home-'))
}

function inspect(folder: string, args: readonly string[], url = installation.mcpUrl): Promise<Result> {
  const program = spawn(process.execPath, [launcher, '--cli', url, '--format', 'json', '-q', ...args], {
    env: {
      ...process.env,
      HOME: folder,
      MCP_INSPECTOR_SECRET_STORE: 'file',
      MCP_AUTO_OPEN_ENABLED: 'true',
      BROWSER: fakeBrowserCommand(),
    },
  })
  let output = ''
  program.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  program.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  program.stdin.on('error', () => {}) // it may end before it has read every yes
  program.stdin.end('y\n'.repeat(8))
  return new Promise((resolve) => program.on('close', (code) => resolve({ code, output })))
}
