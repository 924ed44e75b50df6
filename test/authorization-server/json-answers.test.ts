import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { testClients } from '../support/installation.ts'
import type { TokenAnswer } from '../support/oauth.ts'

const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code'
/** What the HTTP client of Java says for its programs. */
const accept = 'text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2'

let gate: GatedSpy
before(async () => {
  const television = {
    id: 'television',
    grantTypes: [deviceCode, 'refresh_token'] as [typeof deviceCode, 'refresh_token'],
  }
  gate = await startGatedSpy({ clients: [...testClients, television], grants: { deviceCode: 'on' } })
})
after(() => gate.close())

/** Throws where the answer is no JSON. */
const post = (path: string, parameters: Record<string, string>, headers = {}): Promise<TokenAnswer> =>
  gate.oauth.token({ client_id: 'user-client', ...parameters }, { path, headers: { accept, ...headers } })

describe('a program whose library says that it accepts pages (T1)', () => {
  it('hears of errors in JSON, of those of the library as of ours', async () => {
    const refresh = { grant_type: 'refresh_token', refresh_token: 'unknown' }
    const asked: [path: string, parameters: Record<string, string>, error: string, headers?: object][] = [
      ['/token', refresh, 'invalid_grant'],
      ['/token', { ...refresh, client_id: 'nobody' }, 'invalid_client'],
      ['/token', refresh, 'invalid_request', { 'content-type': 'application/json' }],
      ['/par', {}, 'invalid_request'],
      ['/device_authorization', {}, 'unauthorized_client'],
      ['/introspect', {}, 'invalid_request'],
      ['/revoke', {}, 'invalid_request'],
      ['/register', {}, 'invalid_request', { 'content-type': 'application/json' }],
      ['/jwks', {}, 'invalid_request'],
    ]
    for (const [path, parameters, error, headers] of asked) {
      const { status, headers: said, body } = await post(path, parameters, headers)
      assert.ok(status >= 400, path)
      assert.match(said.get('content-type') ?? '', /^application\/json/, path)
      assert.equal(body.error, error, path)
      assert.match(String(body['error_description']), /\(request [\w-]+\)$/, path)
    }
  })

  it('hears that its body has no media type or a wrong one, not that its parameters are missing', async () => {
    const form = 'client_id=user-client&grant_type=refresh_token&refresh_token=x&token=x'
    const metadata = JSON.stringify({ redirect_uris: ['http://127.0.0.1:1/callback'] })
    const bodies = new Map([
      ...['/token', '/par', '/device_authorization', '/introspect', '/revoke'].map(
        (path) => [path, form] as const,
      ),
      ['/register', metadata],
    ])
    for (const [path, body] of bodies)
      for (const type of [undefined, 'text/plain', 'application/problem+json']) {
        const answer = await fetch(gate.installation.url + path, {
          method: 'POST',
          headers: type === undefined ? {} : { 'content-type': type },
          // Bytes, since a text would be given a type.
          body: Buffer.from(body),
        })
        const said = (await answer.json()) as Record<string, string>
        assert.deepEqual([answer.status, said['error']], [415, 'invalid_request'], `${path} ${type}`)
        assert.match(said['error_description'] ?? '', /^the body must be application\//)
      }
  })

  it('ends its access token, and asks about it (A9)', async () => {
    const { access_token: token } = await gate.oauth.signIn({ scope: 'mcp:tools:read' })
    assert.equal((await post('/introspect', { token })).body['active'], true)
    const { status, headers, body } = await post('/revoke', { token })
    assert.deepEqual([status, body], [200, {}])
    assert.match(headers.get('content-type') ?? '', /^application\/json/)
    assert.equal((await gate.post(legacyRequest('ping'), { token })).status, 401)
    assert.equal((await post('/introspect', { token })).body['active'], false)
  })

  it('is told to wait, and to slow down, as a device', async () => {
    const client_id = 'television'
    const { body } = await post('/device_authorization', { client_id })
    const poll = { client_id, grant_type: deviceCode, device_code: String(body['device_code']) }
    const errors: string[] = []
    // Of three in a row two fall into one interval.
    for (let asked = 0; asked < 3; asked++) errors.push((await post('/token', poll)).body.error)
    assert.equal(errors[0], 'authorization_pending')
    assert.ok(errors.includes('slow_down'), String(errors))
  })
})
