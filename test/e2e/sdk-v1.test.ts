import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { type DemoInstallation, startDemoInstallation } from '../support/demo-installation.ts'
import { type MemoryProvider, memoryProvider } from '../support/sdk-provider.ts'
import { clientModules } from '../support/tools.ts'

interface Client {
  connect(transport: Transport): Promise<void>
  listTools(): Promise<{ tools: unknown[] }>
  callTool(call: object): Promise<{ structuredContent: unknown }>
  readResource(request: { uri: string }): Promise<{ contents: { text: string }[] }>
  close(): Promise<void>
}

interface Transport {
  finishAuth(code: string): Promise<void>
}

interface Sdk {
  readonly Client: new (info: object) => Client
  readonly StreamableHTTPClientTransport: new (url: URL, options: object) => Transport
  readonly UnauthorizedError: new () => Error
  readonly ClientCredentialsProvider: new (options: object) => object
}

let installation: DemoInstallation
let sdk: Sdk
before(async () => {
  const folder = join(await clientModules(), '@modelcontextprotocol/sdk/dist/esm/client')
  const load = async (file: string): Promise<object> =>
    (await import(pathToFileURL(join(folder, file)).href)) as object
  const parts = await Promise.all(
    ['index.js', 'streamableHttp.js', 'auth.js', 'auth-extensions.js'].map(load),
  )
  sdk = Object.assign({}, ...parts) as Sdk
  installation = await startDemoInstallation()
})
after(() => installation.close())

describe('SDK v1', () => {
  let provider: MemoryProvider
  let client: Client
  before(async () => {
    provider = memoryProvider({ name: 'SDK v1 client' })
    client = await connect(provider)
  })
  after(() => client.close())

  it('registers without application_type, signs in and lists (R13)', async () => {
    assert.equal(provider.logins(), 1)
    assert.equal((await client.listTools()).tools.length, 10)
    assert.ok(
      provider.tokens()?.['refresh_token'],
      'a client that asked for no offline_access refreshes, too (N22)',
    )
  })

  it('steps up although it holds a refresh token', async () => {
    const call = { name: 'add', arguments: { a: 2, b: 3 } }
    await assert.rejects(client.callTool(call), sdk.UnauthorizedError)
    await finish(provider)
    const again = await connect(provider)
    assert.deepEqual((await again.callTool(call)).structuredContent, { result: 5 })
    await again.close()
  })

  it('comes to an end with many calls at once that lack a scope (A28)', async () => {
    const user = memoryProvider({ name: 'SDK v1 client with many calls' })
    const busy = await connect(user)
    const calls = [1, 2, 3, 4, 5].map((b) => busy.callTool({ name: 'add', arguments: { a: 2, b } }))
    const reasons = (await Promise.allSettled(calls)).map((one) => one.status === 'rejected' && one.reason)
    assert.ok(reasons.some((reason) => reason instanceof sdk.UnauthorizedError))
    for (const reason of reasons) assert.match(String(reason), /Unauthorized|403/)
    assert.equal(user.logins(), 2)
    await busy.close()
  })
})

describe('SDK v1, client_credentials', () => {
  it('gets a default scope although it asks for none', async () => {
    const authProvider = new sdk.ClientCredentialsProvider({
      clientId: 'demo-m2m',
      clientSecret: 'demo-m2m-secret',
    })
    const client = new sdk.Client({ name: 'machine', version: '1' })
    await client.connect(
      new sdk.StreamableHTTPClientTransport(new URL(installation.mcpUrl), { authProvider }),
    )
    const { contents } = await client.readResource({ uri: 'demo:///welcome.txt' })
    assert.match(contents[0]?.text ?? '', /^Welcome/)
    await client.close()
  })
})

async function connect(authProvider: MemoryProvider): Promise<Client> {
  const open = async (): Promise<Client> => {
    const client = new sdk.Client({ name: 'test', version: '1' })
    await client.connect(
      new sdk.StreamableHTTPClientTransport(new URL(installation.mcpUrl), { authProvider }),
    )
    return client
  }
  try {
    return await open()
  } catch (error) {
    if (!(error instanceof sdk.UnauthorizedError)) throw error
    await finish(authProvider)
    return open()
  }
}

async function finish(authProvider: MemoryProvider): Promise<void> {
  const transport = new sdk.StreamableHTTPClientTransport(new URL(installation.mcpUrl), { authProvider })
  await transport.finishAuth(authProvider.callback().searchParams.get('code') ?? '')
}
