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
import type { PatientFetch } from '../support/patient-fetch.ts'
import { memoryProvider } from '../support/sdk-provider.ts'
import { clientModules } from '../support/tools.ts'
import type { Person } from './scene.ts'

interface SdkOptions {
  readonly mode: 'legacy' | 'auto'
  readonly person: Person
  readonly patient: PatientFetch
  /** Happens before each call. */
  readonly whileSignedIn: () => Promise<void>
}

/** Signs in with SDK v2, steps up, and calls a tool. */
export async function useSdk(
  cluster: Cluster,
  { mode, person, patient: { send }, whileSignedIn }: SdkOptions,
): Promise<void> {
  const provider = memoryProvider({ browser: () => person.browser })
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
  assert.equal(person.logins(), 1, 'somebody had to sign in again')
}

function isUnauthorized(error: unknown): boolean {
  if (error instanceof UnauthorizedError) return true
  return error instanceof Error && error.cause !== undefined && isUnauthorized(error.cause)
}

/** How long the Inspector may take before it counts as hanging. */
const patienceMilliseconds = 90_000

/** Has the Inspector register, sign in, step up, and call a tool. `browser` is the program that it opens pages with. */
export async function useInspector(
  cluster: Cluster,
  era: 'legacy' | 'auto' | 'modern',
  browser: string,
): Promise<void> {
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
      BROWSER: browser,
    },
    detached: true, // with a group of processes that can be ended
  })
  const timer = setTimeout(() => process.kill(-(program.pid as number), 'SIGKILL'), patienceMilliseconds)
  let output = ''
  for (const stream of [program.stdout, program.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  program.stdin.on('error', () => {}) // it may end before it has read every yes
  program.stdin.end('y\n'.repeat(8))
  await new Promise((resolve) => program.on('close', resolve))
  clearTimeout(timer)
  await rm(home, { recursive: true, force: true })
  assert.match(output, /"structuredContent":\{"result":5\}/)
}
