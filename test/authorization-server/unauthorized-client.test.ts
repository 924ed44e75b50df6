import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation, testClients } from '../support/installation.ts'
import { challengeOf, OAuthClient } from '../support/oauth.ts'

const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code'
const redirectUri = 'http://127.0.0.1:1/callback'
const machine = { client_id: 'machine', client_secret: 'machine-secret-of-the-tests' }

let installation: Installation
let oauth: OAuthClient
before(async () => {
  const once = { id: 'once', redirectUris: [redirectUri], grantTypes: ['authorization_code' as const] }
  const config = { clients: [...testClients, once], grants: { deviceCode: 'on' as const } }
  installation = await startInstallation({ config })
  oauth = new OAuthClient(installation.url)
})
after(() => installation.close())

describe('a grant that a client may not use (RFC 6749 section 5.2, RFC 8628 section 3.2)', () => {
  it('is refused as unauthorized_client, in the answer, the log and the audit', async () => {
    const pushed = {
      ...machine,
      response_type: 'code',
      redirect_uri: redirectUri,
      code_challenge: challengeOf('v'.repeat(43)),
      code_challenge_method: 'S256',
    }
    for (const [path, parameters] of [
      ['/token', { grant_type: 'client_credentials', client_id: 'user-client' }],
      ['/token', { grant_type: 'refresh_token', refresh_token: 'x', client_id: 'once' }],
      ['/token', { grant_type: deviceCode, device_code: 'x', client_id: 'user-client' }],
      ['/token', { grant_type: 'authorization_code', code: 'x', ...machine }],
      ['/device_authorization', { client_id: 'user-client' }],
      ['/par', pushed],
    ] as [string, Record<string, string>][]) {
      const { status, body, headers } = await oauth.token(parameters, { path })
      assert.deepEqual([status, body.error], [400, 'unauthorized_client'], JSON.stringify(parameters))
      const id = headers.get('x-request-id') ?? ''
      const event = (await installation.audit()).find(({ requestId }) => requestId === id)
      assert.equal(event?.code, 'unauthorized_client', path)
      const line = installation
        .log()
        .split('\n')
        .find((text) => text.includes(id))
      assert.match(line ?? '', /unauthorized_client/, path)
    }
  })

  it('is told to nobody who is not the client', async () => {
    const { body } = await oauth.token({ grant_type: deviceCode, ...machine, client_secret: 'wrong' })
    assert.equal(body.error, 'invalid_client')
  })

  it('does not keep a client from what it may use, with no refresh token where it has not that grant', async () => {
    const once = new OAuthClient(installation.url, 'once')
    const tokens = await once.signIn({ scope: 'mcp:tools:read offline_access' }, new FormBrowser())
    assert.ok(tokens.access_token)
    assert.equal(tokens.refresh_token, undefined)
  })

  it('is an invalid request where it is not said, and unsupported where nobody may use it', async () => {
    assert.equal((await oauth.token({ client_id: 'user-client' })).body.error, 'invalid_request')
    const { body } = await oauth.token({ grant_type: 'password', client_id: 'user-client' })
    assert.equal(body.error, 'unsupported_grant_type')
  })
})
