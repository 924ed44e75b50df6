import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation, testClients } from '../support/installation.ts'
import { challengeOf, OAuthClient } from '../support/oauth.ts'

const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code'
const verifier = 'v'.repeat(43)

let installation: Installation
let client: OAuthClient
before(async () => {
  const television = { id: 'television', grantTypes: [deviceCode] as [typeof deviceCode] }
  installation = await startInstallation({
    config: { clients: [...testClients, television], grants: { deviceCode: 'on' } },
  })
  client = new OAuthClient(installation.url)
})
after(() => installation.close())

/** Pushes a request, and returns the URL that it is made with. */
async function push(parameters: Record<string, string>): Promise<string> {
  const { status, body } = await client.token(
    {
      client_id: client.clientId,
      response_type: 'code',
      redirect_uri: client.redirectUri,
      code_challenge: challengeOf(verifier),
      code_challenge_method: 'S256',
      ...parameters,
    },
    { path: '/par' },
  )
  assert.equal(status, 201, JSON.stringify(body))
  const query = new URLSearchParams({ client_id: client.clientId, request_uri: String(body['request_uri']) })
  return `${installation.url}/authorize?${query.toString()}`
}

const urlOf = (extra: Record<string, string>): string => client.authorizationUrl({ verifier, extra })
const loginsOf = ({ pages }: FormBrowser): number =>
  pages.filter(({ html }) => html.includes('name="name"')).length

describe('a client that wants an account to be selected (OpenID Connect Core section 3.1.2.1)', () => {
  for (const prompt of ['select_account', 'select_account consent', 'login select_account']) {
    it(`has its user sign in, as whoever they choose: prompt=${prompt}`, async () => {
      for (const ask of [async (extra: Record<string, string>) => urlOf(extra), push]) {
        const filled = { name: 'ann' }
        const browser = new FormBrowser({ fill: filled })
        await client.authorize({}, browser)
        filled.name = 'bob'
        const callback = await browser.visit(await ask({ prompt }))
        assert.equal(loginsOf(browser), 2)
        const code = callback?.searchParams.get('code') ?? ''
        const { body } = await client.redeem({ code, verifier, callback: callback as URL })
        assert.equal(decodeJwt(body.access_token).sub, 'bob')
      }
    })
  }
})

describe('a nonce without openid (RFC 6749 section 3.1)', () => {
  it('means nothing, and spoils nothing (P8)', async () => {
    for (const scope of [undefined, 'mcp:tools:read']) {
      const request = scope === undefined ? {} : { scope }
      const tokens = await client.signIn({ ...request, extra: { nonce: 'n' } })
      assert.equal(tokens['id_token'], undefined)
    }
    const callback = await new FormBrowser().visit(await push({ scope: 'mcp:tools:read', nonce: 'n' }))
    assert.ok(callback?.searchParams.get('code'))
    const parameters = { client_id: 'television', nonce: 'n' }
    assert.equal((await client.token(parameters, { path: '/device_authorization' })).status, 200)
  })

  it('is in the ID token where there is one', async () => {
    const tokens = await client.signIn({ scope: 'openid mcp:tools:read', extra: { nonce: 'n' } })
    assert.equal(decodeJwt(String(tokens['id_token']))['nonce'], 'n')
  })
})
