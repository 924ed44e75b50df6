import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import type { ConfigInput } from '../../src/config/schema.ts'
import { verifier } from '../support/federation.ts'
import {
  type Behaviour,
  entraLike,
  type ForeignServer,
  keycloakLike,
  startForeignServer,
} from '../support/foreign-server.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { freePort, testClients } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'

type Issuer = NonNullable<ConfigInput['issuers']>[number]

const companies: readonly { like: string; behaviour: Behaviour; issuer: Issuer; told: RegExp[] }[] = [
  {
    like: 'Entra',
    behaviour: entraLike,
    issuer: { preset: 'entra', audiences: [entraLike.audience], scopeMap: { 'Mcp.Use': ['mcp:tools'] } },
    told: [/PKCE with S256: no; clients refuse/, /resource \(RFC 8707\): no; it refuses the parameter/],
  },
  {
    like: 'Keycloak',
    behaviour: keycloakLike,
    issuer: {
      preset: 'keycloak',
      audiences: ['account'],
      claims: { scopes: ['scope', 'realm_access.roles'] },
      scopeMap: { 'mcp-user': ['mcp:tools'] },
    },
    told: [/PKCE with S256: yes/, /resource \(RFC 8707\): not told; it ignores the parameter without/],
  },
]

for (const { like, behaviour, issuer, told } of companies) {
  describe(`an authorization server that behaves as ${like} does`, () => {
    const closing: (() => Promise<void>)[] = []
    after(async () => {
      for (const close of closing) await close()
    })

    const start = async (
      config: (server: ForeignServer) => ConfigInput,
    ): Promise<[GatedSpy, ForeignServer]> => {
      const port = await freePort()
      const server = await startForeignServer(behaviour, `http://127.0.0.1:${port}/login/callback/company`)
      closing.push(() => server.close())
      const gate = await startGatedSpy({ ...config(server), listen: { gateway: port } })
      closing.push(() => gate.close())
      return [gate, server]
    }

    it('is a place to sign in, though it does not honour resource and registers nobody (N7, N10)', async () => {
      const [gate, server] = await start(({ issuer: url }) => ({
        clients: testClients,
        login: {
          providers: [
            {
              name: 'company',
              issuer: url,
              clientId: 'portcullis',
              clientSecret: 'a-secret',
              scopes: ['openid'],
            },
          ],
        },
      }))
      const client = new OAuthClient(gate.installation.url)
      const browser = new FormBrowser()
      const { mcpUrl } = gate.installation
      const away = await browser.visit(
        client.authorizationUrl({ verifier, scope: 'mcp:*', resource: mcpUrl }),
      )
      assert.equal(away?.searchParams.has('resource'), false)
      const asked = await server.ask({ resource: mcpUrl })
      const refusal = behaviour.resource === 'refused' ? 'invalid_target' : null
      assert.equal(asked.searchParams.get('error'), refusal, 'what a client of that server would get')
      assert.ok(away)
      const callback = await server.authorize(away)
      assert.equal(callback.searchParams.get('iss'), server.issuer)
      const answer = await browser.visit(callback.href)
      const code = answer?.searchParams.get('code') ?? ''
      const { body } = await client.redeem({ code, verifier, callback })
      assert.deepEqual(decodeJwt(body.access_token)['groups'], ['staff'])
      assert.equal((await gate.post(legacyRequest('tools/list'), { token: body.access_token })).status, 200)
    })

    it('is an issuer whose tokens count, for its own audience and scopes (N8, V3)', async () => {
      const [gate, server] = await start(({ issuer: url }) => ({
        authorizationServer: 'external',
        clients: [],
        issuers: [{ ...issuer, issuer: url }],
      }))
      const token = await server.token()
      const { aud } = decodeJwt(token)
      assert.equal(aud, behaviour.audience)
      assert.equal((await gate.post(legacyRequest('tools/list'), { token })).status, 200)
      assert.equal((await gate.post(legacyRequest('resources/list'), { token })).status, 403)
      assert.match(gate.installation.log(), /clients that register themselves \(RFC 7591\): no/)
      for (const line of told) assert.match(gate.installation.log(), line)
    })
  })
}
