import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { OAuthClient } from '../support/oauth.ts'
import { startReplicas } from '../support/replicas.ts'
import { until } from '../support/until.ts'

const scope = 'mcp:tools:read'

describe('revocation and introspection (A9)', () => {
  let gate: GatedSpy
  before(async () => {
    gate = await startGatedSpy()
  })
  after(() => gate.close())

  const post = (path: string, parameters: Record<string, string>) =>
    gate.oauth.token({ client_id: 'user-client', ...parameters }, { path })
  const statusWith = async (token: string): Promise<number> =>
    (await gate.post(legacyRequest('ping'), { token })).status

  it('are announced in the metadata, with the ways to authenticate (AM9)', async () => {
    const { url } = gate.installation
    const response = await fetch(`${url}/.well-known/oauth-authorization-server`)
    const metadata = (await response.json()) as Record<string, unknown>
    assert.equal(metadata['revocation_endpoint'], `${url}/revoke`)
    assert.equal(metadata['introspection_endpoint'], `${url}/introspect`)
    for (const endpoint of ['revocation', 'introspection'])
      assert.ok((metadata[`${endpoint}_endpoint_auth_methods_supported`] as string[]).includes('none'))
  })

  it('do not depend on the hint (RFC 7009 section 2.1)', async () => {
    for (const token_type_hint of ['access_token', 'refresh_token', 'whatever']) {
      const { access_token: token, refresh_token: refresh } = await gate.oauth.signIn({ scope })
      assert.equal((await post('/introspect', { token, token_type_hint })).body['active'], true)
      assert.equal((await post('/revoke', { token, token_type_hint })).status, 200)
      assert.equal(await statusWith(token), 401, token_type_hint)
      assert.equal((await post('/revoke', { token: refresh, token_type_hint })).status, 200)
      assert.equal((await gate.oauth.refresh(refresh)).body.error, 'invalid_grant', token_type_hint)
    }
  })

  it('know an access token of an ended grant as inactive', async () => {
    const { refresh_token: refresh, access_token: token } = await gate.oauth.signIn({ scope })
    const { body } = await gate.oauth.refresh(refresh)
    await post('/revoke', { token: body.refresh_token })
    for (const ended of [token, body.access_token]) {
      assert.equal(await statusWith(ended), 401)
      assert.deepEqual((await post('/introspect', { token: ended })).body, { active: false })
    }
  })

  it('are no use to another client, which learns nothing and ends nothing (RFC 7009 section 2.1)', async () => {
    const other = await OAuthClient.register(gate.installation.url, {
      redirect_uris: ['http://127.0.0.1:1/callback'],
    })
    const { access_token: token, refresh_token: used } = await gate.oauth.signIn({ scope })
    const { body: now } = await gate.oauth.refresh(used)
    for (const foreign of [token, used, now.refresh_token]) {
      const ask = (path: string) => other.token({ token: foreign, client_id: other.clientId }, { path })
      assert.deepEqual((await ask('/introspect')).body, { active: false })
      assert.deepEqual([(await ask('/revoke')).status, (await ask('/revoke')).body], [200, {}])
    }
    const { access_token: foreign } = await other.signIn({ scope })
    const asked = await post('/introspect', { token: foreign })
    assert.deepEqual(asked.body, { active: false }, 'nor to one of the operator’s that proves nothing')
    assert.equal(await statusWith(token), 200)
    const { status, body } = await gate.oauth.refresh(now.refresh_token)
    assert.equal(status, 200)
    assert.equal((await post('/revoke', { token: used })).status, 200)
    assert.equal((await gate.oauth.refresh(body.refresh_token)).body.error, 'invalid_grant', 'of its own')
    assert.equal(await statusWith(body.access_token), 401)
  })

  it('answer the same for what never was, what has ended and what is twice revoked', async () => {
    const { access_token: token } = await gate.oauth.signIn({ scope })
    for (const revoked of [token, token, 'never-was', `${token}x`]) {
      const { status, body } = await post('/revoke', { token: revoked })
      assert.deepEqual([status, body], [200, {}])
      assert.deepEqual((await post('/introspect', { token: revoked })).body, { active: false })
    }
  })

  it('answer in JSON, as libraries expect that would otherwise not go on to the refresh token', async () => {
    const { access_token: token, refresh_token: refresh } = await gate.oauth.signIn({ scope })
    for (const revoked of [token, refresh, 'never-was']) {
      const response = await fetch(`${gate.installation.url}/revoke`, {
        method: 'POST',
        body: new URLSearchParams({ token: revoked, client_id: 'user-client' }),
      })
      const type = response.headers.get('content-type') ?? ''
      assert.deepEqual([response.status, type.split(';')[0]], [200, 'application/json'])
      assert.equal(await response.text(), '{}')
    }
  })
})

describe('a revocation', () => {
  it('is obeyed by another process within two seconds (A9)', { timeout: 60_000 }, async (test) => {
    const { publicUrl, all } = await startReplicas(test, 2)
    const client = new OAuthClient(publicUrl)
    const [byToken, byGrant] = [await client.signIn({ scope }), await client.signIn({ scope })]
    const other = all[1]?.url ?? ''
    const statusWith = async (token: string): Promise<number> =>
      (
        await fetch(`${other}/mcp`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
        })
      ).status
    const tokens = [byToken.access_token, byGrant.access_token]
    for (const token of tokens)
      assert.equal(await statusWith(token), 502, 'let in; there is no server behind')
    for (const token of [byToken.access_token, byGrant.refresh_token])
      await client.token({ token, client_id: client.clientId }, { path: '/revoke' })
    for (const token of tokens)
      await until(async () => (await statusWith(token)) === 401, 'the gateway hears of the revocation')
  })
})
