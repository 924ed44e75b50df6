import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { type EraServers, serverKinds, startEraServers } from '../support/era-servers.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { OAuthClient } from '../support/oauth.ts'

let gate: EraServers
before(async () => {
  gate = await startEraServers()
})
after(() => gate.close())
for (const kind of serverKinds)
  for (const mode of ['legacy', 'auto', { pin: '2026-07-28' }] as const) {
    it(`${kind} ${JSON.stringify(mode)}`, { timeout: 20000 }, async () => {
      const oauth = new OAuthClient(gate.installation.url)
      const token = (
        await oauth.signIn(
          { scope: 'mcp:*', resource: gate.urlOf(kind) },
          new FormBrowser({ fill: { name: 'ada' } }),
        )
      ).access_token
      const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } })
      const requestInit = { headers: { authorization: `Bearer ${token}` } }
      try {
        await client.connect(new StreamableHTTPClientTransport(new URL(gate.urlOf(kind)), { requestInit }))
        assert.equal((await client.listTools()).tools.length, 7)
        const seen: number[] = []
        await client.callTool({ name: 'count', arguments: {} }, { onprogress: (p) => seen.push(p.progress) })
        assert.deepEqual(seen, [1, 2, 3])
        assert.equal((await client.readResource({ uri: 'test:///note' })).contents.length, 1)
        await assert.rejects(client.readResource({ uri: 'test:///gone' }), (e) => {
          console.log(kind, mode, String(e))
          return true
        })
        console.log((await client.callTool({ name: 'ask', arguments: {} })).content)
        await client.getPrompt({ name: 'greet', arguments: { name: 'x' } })
      } catch (e) {
        console.log(gate.installation.log().slice(-3000))
        throw e
      }
      await client.close()
    })
  }
