import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Client,
  type OAuthClientProvider,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client'
import type { Cluster } from '../support/cluster.ts'
import { fakeBrowserCommand } from '../support/fake-browser-command.ts'
import { FormBrowser } from '../support/form-browser.ts'
import type { PatientFetch } from '../support/patient-fetch.ts'
import { memoryProvider } from '../support/sdk-provider.ts'
import { clientModules } from '../support/tools.ts'

/** Signs in with SDK v2, steps up, and calls a tool; `whileSignedIn` happens before the call. */
export async function useSdk(
  cluster: Cluster,
  { send }: PatientFetch,
  mode: 'legacy' | 'auto',
  whileSignedIn: () => Promise<void>,
): Promise<void> {
  const provider = memoryProvider({ browser: () => new FormBrowser({ send }) })
  const open = (): StreamableHTTPClientTransport =>
    new StreamableHTTPClientTransport(new URL(cluster.demoUrl), {
      authProvider: provider as unknown as OAuthClientProvider,
      fetch: send,
    })
  const attempt = async (): Promise<unknown> => {
    const client = new Client({ name: 'cluster', version: '1' }, { versionNegotiation: { mode } })
    try {
      await client.connect(open())
      await whileSignedIn()
      const { structuredContent } = await client.callTool({ name: 'add', arguments: { a: 2, b: 3 } })
      return structuredContent
    } finally {
      await client.close()
    }
  }
  // Once to sign in, once to step up.
  for (let asked = 0; asked < 2; asked++) {
    await assert.rejects(attempt(), isUnauthorized)
    await open().finishAuth(provider.callback().searchParams)
  }
  assert.deepEqual(await attempt(), { result: 5 })
  assert.equal(provider.logins(), 2)
}

function isUnauthorized(error: unknown): boolean {
  if (error instanceof UnauthorizedError) return true
  return error instanceof Error && error.cause !== undefined && isUnauthorized(error.cause)
}

/** Has the Inspector register, sign in, step up, and call a tool. */
export async function useInspector(cluster: Cluster, era: 'legacy' | 'auto' | 'modern'): Promise<void> {
  const modules = await clientModules()
  const launcher = join(modules, '@modelcontextprotocol/inspector/clients/launcher/build/index.js')
  const home = await mkdtemp(join(tmpdir(), 'inspector-home-'))
  const call = ['--method', 'tools/call', '--tool-name', 'add', '--tool-arg', 'a=2', '--tool-arg', 'b=3']
  const args = ['--cli', cluster.demoUrl, '--format', 'json', '-q', '--protocol-era', era, ...call]
  const program = spawn(process.execPath, [launcher, ...args], {
    env: {
      ...process.env,
      HOME: home,
      MCP_INSPECTOR_SECRET_STORE: 'file',
      MCP_AUTO_OPEN_ENABLED: 'true',
      BROWSER: fakeBrowserCommand(),
    },
  })
  let output = ''
  for (const stream of [program.stdout, program.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  program.stdin.on('error', () => {}) // it may end before it has read every yes
  program.stdin.end('y\n'.repeat(8))
  await new Promise((resolve) => program.on('close', resolve))
  await rm(home, { recursive: true, force: true })
  assert.match(output, /"structuredContent":\{"result":5\}/)
}
