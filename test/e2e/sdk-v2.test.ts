import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  Client,
  ClientCredentialsProvider,
  type OAuthClientProvider,
  StreamableHTTPClientTransport,
  UnauthorizedError,
  type VersionNegotiationMode,
} from '@modelcontextprotocol/client'
import { type DemoInstallation, startDemoInstallation } from '../support/demo-installation.ts'
import { type MemoryProvider, memoryProvider } from '../support/sdk-provider.ts'

let installation: DemoInstallation
before(async () => {
  installation = await startDemoInstallation()
})
after(() => installation.close())

const modes = ['legacy', 'auto', { pin: '2026-07-28' }] as const

for (const mode of modes) {
  describe(`SDK v2, ${typeof mode === 'string' ? mode : mode.pin}`, () => {
    let provider: MemoryProvider
    let client: Client
    before(async () => {
      provider = memoryProvider()
      client = await connect(provider, mode)
    })
    after(() => client.close())

    it('signs in with one visit to the browser', () => {
      assert.equal(provider.logins(), 1)
    })

    it('lists tools, resources and prompts', async () => {
      assert.equal((await client.listTools()).tools.length, 10)
      assert.equal((await client.listResources()).resources.length, 4)
      assert.equal((await client.listPrompts()).prompts.length, 4)
    })

    it('steps up to call a tool, then calls it (V8, V9)', async () => {
      const result = await callAfterStepUp(client, provider, mode)
      assert.deepEqual(result.structuredContent, { result: 5 })
      assert.equal(provider.logins(), 2)
    })
  })
}

describe('SDK v2, client_credentials', () => {
  it('gets a token with the default scopes of the client and calls a tool', async () => {
    const authProvider = new ClientCredentialsProvider({
      clientId: 'demo-m2m',
      clientSecret: 'demo-m2m-secret',
    })
    const client = new Client({ name: 'machine', version: '1' })
    await client.connect(new StreamableHTTPClientTransport(new URL(installation.mcpUrl), { authProvider }))
    const result = await client.callTool({ name: 'add', arguments: { a: 2, b: 3 } })
    assert.deepEqual(result.structuredContent, { result: 5 })
    await client.close()
  })
})

async function connect(provider: MemoryProvider, mode: VersionNegotiationMode): Promise<Client> {
  const authProvider = provider as unknown as OAuthClientProvider
  const open = async (): Promise<Client> => {
    const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } })
    await client.connect(new StreamableHTTPClientTransport(new URL(installation.mcpUrl), { authProvider }))
    return client
  }
  try {
    return await open()
  } catch (error) {
    if (!isUnauthorized(error)) throw error
    await finish(authProvider, provider)
    return open()
  }
}

async function callAfterStepUp(client: Client, provider: MemoryProvider, mode: VersionNegotiationMode) {
  const call = { name: 'add', arguments: { a: 2, b: 3 } }
  await assert.rejects(client.callTool(call), isUnauthorized)
  await finish(provider as unknown as OAuthClientProvider, provider)
  const again = await connect(provider, mode)
  try {
    return await again.callTool(call)
  } finally {
    await again.close()
  }
}

async function finish(authProvider: OAuthClientProvider, provider: MemoryProvider): Promise<void> {
  const transport = new StreamableHTTPClientTransport(new URL(installation.mcpUrl), { authProvider })
  await transport.finishAuth(provider.callback().searchParams)
}

function isUnauthorized(error: unknown): boolean {
  if (error instanceof UnauthorizedError) return true
  return error instanceof Error && error.cause !== undefined && isUnauthorized(error.cause)
}
