import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Installation, startInstallation, testClients } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'

const scope = 'mcp:tools:read'
const secret = 'machine-secret-of-the-tests'
const basic = (id: string, sent = ''): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${id}:${sent}`).toString('base64')}`,
})

describe('a Basic header without a secret, as requests-oauthlib and rack-oauth2 send it (RFC 6749 section 2.3.1)', () => {
  let installation: Installation
  let client: OAuthClient
  before(async () => {
    const spelled = { ...testClients[0], id: 'user:client+1' }
    const television = {
      id: 'television',
      grantTypes: ['urn:ietf:params:oauth:grant-type:device_code' as const],
    }
    const clients = [...testClients, spelled, television]
    installation = await startInstallation({ config: { clients, grants: { deviceCode: 'on' } } })
    client = new OAuthClient(installation.url)
  })
  after(() => installation.close())

  it('names a client that has none, at every endpoint', async () => {
    const unnamed = { client_id: '' }
    const { status, body } = await client.redeem(
      await client.authorize({ scope }),
      unnamed,
      basic('user-client'),
    )
    assert.equal(status, 200, JSON.stringify(body))
    const refreshed = await client.refresh(body.refresh_token, unnamed, basic('user-client'))
    assert.equal(refreshed.status, 200, JSON.stringify(refreshed.body))
    const post = (path: string, parameters: Record<string, string>, id = 'user-client') =>
      client.token(parameters, { path, headers: basic(id) })
    const token = refreshed.body.access_token
    assert.equal((await post('/introspect', { token })).body['client_id'], 'user-client')
    assert.equal((await post('/revoke', { token })).status, 200)
    assert.equal((await post('/introspect', { token })).body['active'], false)
    assert.ok((await post('/device_authorization', { scope }, 'television')).body['user_code'])
    const pushed = { response_type: 'code', redirect_uri: client.redirectUri, code_challenge: 'x'.repeat(43) }
    const request = { ...pushed, code_challenge_method: 'S256', scope, client_id: 'user-client' }
    assert.equal((await post('/par', request)).status, 201)
  })

  it('may have an encoded id, and stand next to the same id', async () => {
    const other = new OAuthClient(installation.url, 'user:client+1')
    const { status, body } = await other.redeem(
      await other.authorize({ scope }),
      { client_id: '' },
      basic(encodeURIComponent('user:client+1')),
    )
    assert.equal(status, 200, JSON.stringify(body))
    const named = await client.redeem(await client.authorize({ scope }), {}, basic('user-client'))
    assert.equal(named.status, 200, JSON.stringify(named.body))
  })

  it('gets nobody in who has a secret or a key (A57)', async () => {
    const ask = (parameters: Record<string, string>, headers = basic('machine')) =>
      client.token({ grant_type: 'client_credentials', ...parameters }, { headers })
    for (const parameters of [{}, { client_id: 'machine' }]) {
      const { status, body, headers } = await ask(parameters)
      assert.deepEqual([status, body.error], [401, 'invalid_client'])
      assert.equal(headers.get('www-authenticate'), `Basic realm="${installation.url}"`)
    }
    const beside = [
      { client_id: 'user-client' },
      { client_secret: secret },
      { client_id: 'machine', client_secret: secret },
      { client_assertion: 'x' },
    ]
    for (const parameters of beside) {
      const { status, body } = await ask(parameters)
      assert.deepEqual([status, body.error], [400, 'invalid_request'], JSON.stringify(parameters))
    }
    const { status, body } = await ask({ client_id: 'machine' }, basic('user-client'))
    assert.deepEqual([status, body.error], [400, 'invalid_request'])
  })
})
