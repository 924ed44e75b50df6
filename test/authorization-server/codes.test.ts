import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { FormBrowser } from '../support/form-browser.ts'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'

let gate: GatedSpy
let installation: Installation
let client: OAuthClient
before(async () => {
  gate = await startGatedSpy()
  installation = gate.installation
  client = gate.oauth
})
after(() => gate.close())

const statusWith = async (token: string): Promise<number> =>
  (await gate.post(legacyRequest('ping'), { token })).status

describe('an authorization code (P9)', () => {
  it('is good once, and its replay revokes what it gave (A43)', async () => {
    const issued = await client.authorize({ scope: 'mcp:tools:read' })
    const { status, body } = await client.redeem(issued)
    assert.equal(status, 200)
    assert.equal(await statusWith(body.access_token), 200)

    const replay = await client.redeem(issued)
    assert.equal(replay.status, 400)
    assert.equal(replay.body.error, 'invalid_grant')
    assert.equal(await statusWith(body.access_token), 401, 'the access token is dead at once')
    assert.equal((await client.refresh(body.refresh_token)).status, 400, 'and so is the refresh token')
  })

  it('does not end what other codes of the same user and client gave (N33)', async () => {
    const first = await client.authorize({ scope: 'mcp:tools:read' })
    const second = await client.authorize({ scope: 'mcp:tools:read' })
    const given = await client.redeem(second)
    await client.redeem(first)
    await client.redeem(first)
    assert.equal(await statusWith(given.body.access_token), 200)
  })

  it('has exactly one winner of 50 at once (A43)', async () => {
    for (let round = 0; round < 3; round++) {
      const issued = await client.authorize({ scope: 'mcp:tools:read' })
      const answers = await Promise.all(Array.from({ length: 50 }, () => client.redeem(issued)))
      assert.equal(answers.filter(({ status }) => status === 200).length, 1)
      for (const { status, body } of answers) if (status !== 200) assert.equal(body.error, 'invalid_grant')
    }
  })

  it('belongs to its client, its redirect URI and its resource (A44)', async () => {
    const other = await OAuthClient.register(installation.url, {
      redirect_uris: ['http://127.0.0.1:1/callback'],
    })
    const stolen = await other.redeem(await client.authorize())
    assert.equal(stolen.status, 400)
    const elsewhere = await client.redeem(await client.authorize(), {
      redirect_uri: 'http://127.0.0.1:2/callback',
    })
    assert.equal(elsewhere.status, 400)
    const resource = await client.redeem(await client.authorize(), {
      resource: 'https://elsewhere.example/mcp',
    })
    assert.equal(resource.body.error, 'invalid_target')
  })

  it('is refused when it was made up', async () => {
    const { status, body } = await client.redeem({
      code: 'x'.repeat(43),
      verifier: 'a'.repeat(43),
      callback: new URL('http://x'),
    })
    assert.equal(status, 400)
    assert.equal(body.error, 'invalid_grant')
  })

  it('expires after its time', async (test) => {
    test.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const patient = await startInstallation({ config: { tokens: { codeSeconds: 2 } } })
    test.after(() => patient.close())
    const slow = new OAuthClient(patient.url)
    const issued = await slow.authorize()
    test.mock.timers.tick(3100)
    assert.equal((await slow.redeem(issued)).status, 400)
    assert.equal((await slow.redeem(await slow.authorize())).status, 200)
  })
})

describe('the token endpoint (T1)', () => {
  it('answers JSON that nobody may keep', async () => {
    const { headers, body } = await client.redeem(await client.authorize({ scope: 'mcp:tools:read' }))
    assert.match(headers.get('content-type') ?? '', /^application\/json/)
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.equal(body['expires_in'], 3600)
  })

  it('names the request in every error, for the log', async () => {
    const { headers, body } = await client.refresh('x')
    assert.match(String(body['error_description']), new RegExp(`request ${headers.get('x-request-id')}`))
    assert.match(installation.log(), new RegExp(String(headers.get('x-request-id'))))
  })

  it('takes the secret of a confidential client in either place, once (A57)', async () => {
    const basic = (id: string, secret: string): Record<string, string> => ({
      authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
    })
    const grant = { grant_type: 'client_credentials', scope: 'mcp:tools:read' }
    const secret = 'machine-secret-of-the-tests'
    assert.equal((await client.token({ ...grant, client_id: 'machine', client_secret: secret })).status, 200)
    assert.equal((await client.token(grant, { headers: basic('machine', secret) })).status, 200)
    const wrong: [Record<string, string>, Record<string, string>?][] = [
      [{ ...grant, client_id: 'machine', client_secret: 'wrong' }],
      [{ ...grant, client_id: 'machine' }],
      [grant, basic('machine', 'wrong')],
      [{ ...grant, client_id: 'machine', client_secret: secret }, basic('machine', secret)],
      [{ ...grant, client_id: 'user-client' }],
      [grant],
    ]
    for (const [parameters, headers = {}] of wrong) {
      const { status, body } = await client.token(parameters, { headers })
      assert.ok(status === 401 || status === 400, JSON.stringify(parameters))
      assert.equal(body.access_token, undefined)
    }
    const inQuery = await client.token(grant, { path: `/token?client_id=machine&client_secret=${secret}` })
    assert.equal(inQuery.status, 400)
  })

  it('gives a machine the scopes of its configuration when it names none, and no refresh token (T7, N32)', async () => {
    const machine = {
      grant_type: 'client_credentials',
      client_id: 'machine',
      client_secret: 'machine-secret-of-the-tests',
    }
    const { body } = await client.token(machine)
    assert.equal(body.scope, 'mcp:tools:read')
    assert.equal(body.refresh_token, undefined)
    assert.equal(decodeJwt(body.access_token).aud, installation.mcpUrl)
    assert.equal(
      (await client.token({ ...machine, resource: 'https://elsewhere.example' })).body.error,
      'invalid_target',
    )
  })

  it('gives a client no more than its configuration allows, and says so', async () => {
    const machine = {
      grant_type: 'client_credentials',
      client_id: 'machine',
      client_secret: 'machine-secret-of-the-tests',
    }
    for (const scope of [
      'mcp:*',
      'mcp:tools:execute',
      'mcp:tools',
      'admin',
      'mcp:tools:read mcp:tools:execute:add',
    ]) {
      const { status, body } = await client.token({ ...machine, scope })
      assert.deepEqual([status, body.error], [400, 'invalid_scope'], scope)
    }
    assert.equal((await client.token({ ...machine, scope: 'mcp:tools:read' })).status, 200)
  })

  it('does not let a user pass for a machine (R17, A12)', async () => {
    const browser = new FormBrowser({ fill: { name: 'machine' } })
    await assert.rejects(client.authorize({}, browser), /round in circles/)
    assert.match(browser.lastPage.html, /belongs to a client/)
  })
})

describe('a refresh token (T3, T4)', () => {
  it('gives new tokens for the same resource and scope, and is replaced', async () => {
    const first = await client.signIn({ scope: 'mcp:tools:read mcp:prompts:list' })
    const { status, body } = await client.refresh(first.refresh_token, { resource: installation.mcpUrl })
    assert.equal(status, 200)
    assert.equal(body.scope, 'mcp:tools:read mcp:prompts:list')
    assert.notEqual(body.refresh_token, first.refresh_token)
    assert.equal(decodeJwt(body.access_token).aud, installation.mcpUrl)
    assert.equal(await statusWith(body.access_token), 200)
  })

  it('never widens, never changes client or resource (A58, A28)', async () => {
    const { refresh_token: token } = await client.signIn({ scope: 'mcp:tools:read' })
    assert.equal(
      (await client.refresh(token, { scope: 'mcp:tools:read mcp:tools:execute' })).body.error,
      'invalid_scope',
    )
    const other = await OAuthClient.register(installation.url, { redirect_uris: ['http://127.0.0.1:1/cb'] })
    assert.equal((await other.refresh(token)).body.error, 'invalid_grant')
    assert.equal(
      (await client.refresh(token, { resource: 'https://elsewhere.example/mcp' })).body.error,
      'invalid_target',
    )
    assert.equal((await client.refresh(token)).status, 200, 'and is still good for its owner')
  })
})

describe('revocation and introspection', () => {
  const post = (path: string, parameters: Record<string, string>) => client.token(parameters, { path })

  it('ends an access token at once', async () => {
    const { access_token: token, refresh_token: refresh } = await client.signIn({ scope: 'mcp:tools:read' })
    assert.equal((await post('/revoke', { token, client_id: 'user-client' })).status, 200)
    assert.equal(await statusWith(token), 401)
    assert.equal((await client.refresh(refresh)).status, 200, 'the grant lives on')
  })

  it('of a refresh token ends its grant', async () => {
    const { access_token: token, refresh_token: refresh } = await client.signIn({ scope: 'mcp:tools:read' })
    assert.equal((await post('/revoke', { token: refresh, client_id: 'user-client' })).status, 200)
    assert.equal(await statusWith(token), 401)
    assert.equal((await client.refresh(refresh)).status, 400)
  })

  it('is for the client of the token alone, and tells nobody else anything', async () => {
    const { access_token: token } = await client.signIn({ scope: 'mcp:tools:read' })
    const other = await OAuthClient.register(installation.url, { redirect_uris: ['http://127.0.0.1:1/cb'] })
    assert.equal((await post('/revoke', { token, client_id: other.clientId })).status, 200)
    assert.equal(await statusWith(token), 200)
    assert.deepEqual((await post('/introspect', { token, client_id: other.clientId })).body, {
      active: false,
    })
  })

  it('tells nothing of others to a confidential client that registered itself', async () => {
    const { access_token: token } = await client.signIn({ scope: 'mcp:tools:read' })
    const registration = await fetch(`${installation.url}/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        redirect_uris: ['https://curious.example/cb'],
        token_endpoint_auth_method: 'client_secret_post',
      }),
    })
    const { client_id, client_secret } = (await registration.json()) as Record<string, string>
    assert.ok(client_id && client_secret)
    assert.deepEqual((await post('/introspect', { token, client_id, client_secret })).body, { active: false })
  })

  it('tells a client of its own token, and a confidential one of any that an operator knows', async () => {
    const { access_token: token, refresh_token: refresh } = await client.signIn({ scope: 'mcp:tools:read' })
    const machine = { client_id: 'machine', client_secret: 'machine-secret-of-the-tests' }
    for (const who of [{ client_id: 'user-client' }, machine]) {
      const { body } = await post('/introspect', { token, ...who })
      assert.equal(body['active'], true)
      assert.equal(body['sub'], 'dev_user_123')
      assert.equal(body['scope'], 'mcp:tools:read')
      assert.equal(body['gid'], undefined)
    }
    assert.equal((await post('/introspect', { token: refresh, ...machine })).body['active'], true)
    await post('/revoke', { token, client_id: 'user-client' })
    assert.deepEqual((await post('/introspect', { token, ...machine })).body, { active: false })
    assert.deepEqual((await post('/introspect', { token: 'a.b.c', ...machine })).body, { active: false })
  })

  it('needs a known client', async () => {
    const { access_token: token } = await client.signIn({ scope: 'mcp:tools:read' })
    assert.equal((await post('/revoke', { token, client_id: 'nobody' })).status, 401)
    assert.equal((await post('/introspect', { token })).status, 400)
  })

  it('survives a restart', async () => {
    const { access_token: token } = await client.signIn({ scope: 'mcp:tools:read' })
    await post('/revoke', { token, client_id: 'user-client' })
    await installation.restart()
    assert.equal(await statusWith(token), 401)
  })
})
