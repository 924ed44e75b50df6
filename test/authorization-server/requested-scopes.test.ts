import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation, testClients } from '../support/installation.ts'
import { challengeOf, OAuthClient, type TokenAnswer } from '../support/oauth.ts'

const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code'
const listing = 'mcp:tools:read mcp:resources:list mcp:prompts:list'
const redirectUri = 'http://127.0.0.1:1/callback'

let installation: Installation
let client: OAuthClient
let narrow: OAuthClient
before(async () => {
  const clients = [
    ...testClients,
    { id: 'narrow', redirectUris: [redirectUri], scopes: ['mcp:tools:read'] },
    { id: 'television', grantTypes: [deviceCode, 'refresh_token'] as [typeof deviceCode, 'refresh_token'] },
  ]
  installation = await startInstallation({ config: { clients, grants: { deviceCode: 'on' } } })
  client = new OAuthClient(installation.url)
  narrow = new OAuthClient(installation.url, 'narrow')
})
after(() => installation.close())

const verifier = 'v'.repeat(43)
const ask = (path: string, parameters: Record<string, string>): Promise<TokenAnswer> =>
  client.token(parameters, { path })
const push = (scope: string): Promise<TokenAnswer> =>
  ask('/par', {
    client_id: client.clientId,
    response_type: 'code',
    redirect_uri: redirectUri,
    code_challenge: challengeOf(verifier),
    code_challenge_method: 'S256',
    scope,
  })
const begin = (parameters: Record<string, string>): Promise<TokenAnswer> =>
  ask('/device_authorization', { client_id: 'television', ...parameters })

describe('parameters without a value, which count as left out (RFC 6749 section 3.1)', () => {
  it('give the scopes to begin with and the only server', async () => {
    const { access_token: token, scope } = await client.signIn({
      scope: '',
      resource: '',
      extra: { prompt: '', response_mode: '', nonce: '' },
    })
    assert.equal(scope, listing)
    assert.equal(decodeJwt(token).aud, installation.mcpUrl)
  })

  it('do so for what is pushed, and for a device', async () => {
    const { body } = await push('')
    const browser = new FormBrowser()
    const url = `${installation.url}/authorize?client_id=user-client&request_uri=${body['request_uri']}`
    const callback = await browser.visit(url)
    const issued = { code: callback?.searchParams.get('code') ?? '', verifier }
    assert.equal((await client.redeem({ ...issued, callback: new URL(url) })).body.scope, listing)

    for (const parameters of [{ scope: '', resource: '' }, { scope: 'offline_access' }]) {
      const started = await begin(parameters)
      const person = new FormBrowser({ fill: { user_code: String(started.body['user_code']) } })
      await person.visit(`${installation.url}/device`)
      const { status, body: given } = await ask('/token', {
        grant_type: deviceCode,
        device_code: String(started.body['device_code']),
        client_id: 'television',
      })
      assert.deepEqual([status, given.scope], [200, listing], JSON.stringify(parameters))
    }
  })
})

describe('offline_access (N22)', () => {
  it('is taken silently, by itself and with others, and gives nothing more', async () => {
    for (const [asked, given] of [
      ['offline_access', listing],
      ['offline_access mcp:tools:read', 'mcp:tools:read'],
      ['openid offline_access mcp:tools:read', 'openid mcp:tools:read'],
    ] as const) {
      for (const extra of [{}, { prompt: 'consent' }]) {
        const { scope, refresh_token: token } = await client.signIn({ scope: asked, extra })
        assert.equal(scope, given, asked)
        assert.ok(token)
      }
    }
  })
})

describe('scopes of which the client can have none (RFC 6749 sections 3.3 and 4.1.2.1)', () => {
  it('are refused to the client before anybody is asked', async () => {
    for (const [who, scope] of [
      [client, 'claudeai'],
      [client, 'unheard:of profile offline_access'],
      [narrow, 'mcp:tools:execute'],
      [narrow, 'mcp:tools:execute:add'],
    ] as const) {
      const browser = new FormBrowser()
      const callback = await browser.visit(who.authorizationUrl({ verifier, scope }))
      assert.equal(callback?.searchParams.get('error'), 'invalid_scope', scope)
      assert.match(browser.lastPage.html, /The client can get none of the scopes that it asks for\./)
      assert.equal(callback?.searchParams.get('state'), 'a state')
      assert.ok(!browser.pages.some(({ html }) => html.includes('<form')), 'nobody was asked')
    }
  })

  it('are refused where a request is pushed, and to a device', async () => {
    for (const { status, body } of [await push('unheard:of'), await begin({ scope: 'unheard:of' })])
      assert.deepEqual([status, body.error], [400, 'invalid_scope'])
  })

  it('do not keep a client from the name of its user alone', async () => {
    const { id_token: token = '' } = await client.signIn({ scope: 'openid unheard:of' })
    const { iat = 0, exp = 0, aud } = decodeJwt(token)
    assert.equal(aud, client.clientId)
    assert.equal(exp - iat, 3600, 'and tell who it is for as long as an access token lives')
  })

  it('are left out beside others, and the answer says so (T1)', async () => {
    const { scope } = await narrow.signIn({ scope: 'mcp:tools:execute mcp:tools:read unheard:of' })
    assert.equal(scope, 'mcp:tools:read')
    assert.equal((await narrow.signIn()).scope, 'mcp:tools:read', 'of those to begin with, what it may have')
  })
})
