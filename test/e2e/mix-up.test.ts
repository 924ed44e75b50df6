import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Client, type OAuthClientProvider, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { memoryProvider } from '../support/sdk-provider.ts'

let honest: Installation
/** Where the user means to sign in; its operator is after the user's access to the other one. */
let hostile: Installation
before(async () => {
  const upstreams = [{ name: 'main', url: 'http://127.0.0.1:9/mcp' }]
  honest = await startInstallation({ config: { upstreams } })
  hostile = await startInstallation({ config: { upstreams } })
})
after(async () => {
  await honest.close()
  await hostile.close()
})

/** A client that signs in at the hostile server, whose login sends the browser on to the honest one. */
async function mixUp(): Promise<{
  transport: StreamableHTTPClientTransport
  callback: URL
  victim: OAuthClient
}> {
  let victim: OAuthClient | undefined
  const misled = {
    async visit(url: string): Promise<URL | undefined> {
      const asked = new URL(url)
      assert.equal(asked.origin, hostile.url, 'the user means to sign in there')
      const redirectUris = [asked.searchParams.get('redirect_uri')]
      const metadata = { client_name: 'SDK client', redirect_uris: redirectUris, grant_types, response_types }
      victim = await OAuthClient.register(honest.url, { ...metadata, token_endpoint_auth_method: 'none' })
      const moved = new URL(`${honest.url}/authorize${asked.search}`)
      moved.searchParams.set('client_id', victim.clientId)
      moved.searchParams.set('resource', honest.mcpUrl)
      return new FormBrowser().visit(moved.href)
    },
  }
  const provider = memoryProvider({ browser: () => misled as FormBrowser })
  const transport = new StreamableHTTPClientTransport(new URL(hostile.mcpUrl), {
    authProvider: provider as unknown as OAuthClientProvider,
  })
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  await assert.rejects(client.connect(transport))
  assert.ok(victim !== undefined)
  return { transport, callback: provider.callback(), victim }
}

const grant_types = ['authorization_code', 'refresh_token']
const response_types = ['code']

/** How often a token was asked for at a server. */
function tokenRequests(installation: Installation): number {
  return installation.log().split('"step":"token"').length - 1
}

describe('two authorization servers that are mixed up (A46)', () => {
  it('are told apart by SDK v2: a code of one never goes to the other', async () => {
    const { transport, callback } = await mixUp()
    assert.equal(callback.searchParams.get('iss'), honest.url, 'whose code it is')
    assert.ok(callback.searchParams.has('code'))
    await assert.rejects(transport.finishAuth(callback.searchParams), /iss/i)
    assert.equal(tokenRequests(hostile), 0, 'nobody there hears of the code')
  })

  it('are told apart as well when the name of the issuer is lost on the way, since each announces it', async () => {
    const { transport, callback } = await mixUp()
    callback.searchParams.delete('iss')
    await assert.rejects(transport.finishAuth(callback.searchParams), /iss/i)
    assert.equal(tokenRequests(hostile), 0)
  })
})
