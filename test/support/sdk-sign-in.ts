import assert from 'node:assert/strict'
import {
  Client,
  type OAuthClientProvider,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client'
import type { MemoryProvider } from './sdk-provider.ts'

/** Makes the SDK discover, register and sign in at an MCP endpoint. Resolves to a connected client. */
export async function connectSignedIn(mcpUrl: string, provider: MemoryProvider): Promise<Client> {
  const authProvider = provider as unknown as OAuthClientProvider
  const transport = (): StreamableHTTPClientTransport =>
    new StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider })
  const client = (): Client =>
    new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  await assert.rejects(client().connect(transport()), (error: Error) => {
    return error instanceof UnauthorizedError || error.cause instanceof UnauthorizedError
  })
  await transport().finishAuth(provider.callback().searchParams)
  const connected = client()
  await connected.connect(transport())
  return connected
}
