import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt, generateKeyPair, UnsecuredJWT } from 'jose'
import { request } from 'undici'
import { type SigningClient, signingClient } from '../support/client-assertion.ts'
import { type DocumentHost, startDocumentHost } from '../support/document-host.ts'
import { type Installation, startInstallation, testClients } from '../support/installation.ts'
import { OAuthClient, type TokenAnswer } from '../support/oauth.ts'

let installation: Installation
let host: DocumentHost
let signer: SigningClient
before(async () => {
  host = await startDocumentHost()
  signer = await signingClient()
  const signing = {
    id: 'signer',
    jwks: signer.jwks,
    grantTypes: ['client_credentials' as const],
    scopes: ['mcp:tools:read', 'mcp:tools:execute'],
  }
  const guessed = { ...testClients[1], id: 'guessed' }
  const chosen = { ...testClients[1], id: 'chosen' }
  const spelled = { ...testClients[1], id: 'spelled', secret: spelledSecret }
  const unreadable = { ...testClients[1], id: 'un+readable', secret: unreadableSecret }
  const readable = { ...testClients[1], id: 'readable', secret: unreadableSecret }
  const everywhere = { ...testClients[1], id: 'everywhere' }
  const own = [guessed, chosen, spelled, unreadable, readable, everywhere, signing]
  installation = await startInstallation({ config: { clients: [...testClients, ...own] } })
})
after(async () => {
  await installation.close()
  await host.close()
})

const endpoint = (): OAuthClient => new OAuthClient(installation.url)
const ask = (
  parameters: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<TokenAnswer> => endpoint().token({ grant_type: 'client_credentials', ...parameters }, { headers })
const basic = (id: string, secret: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
})
const secret = 'machine-secret-of-the-tests'
/** Means another one if it is decoded without having been encoded. */
const spelledSecret = 'c2VjcmV0+b2Yg/dGhl:%41=='
/** Cannot be decoded if it has not been encoded. */
const unreadableSecret = '100%+of %C3%A4 secrets'
/** Asks as the gateway passes it on from this address. Resolves to the status. */
const introspectFrom = async (address: string, parameters: Record<string, string>): Promise<number> => {
  const answer = await request(`${installation.authorizationServerUrl}/introspect`, {
    method: 'POST',
    headers: {
      host: new URL(installation.url).host,
      'x-forwarded-for': address,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ token: 'x', ...parameters }).toString(),
  })
  await answer.body.dump()
  return answer.statusCode
}

/** A refusal that tells nothing of how near it was. */
function assertRefused({ status, body }: TokenAnswer, why = ''): void {
  assert.ok(status === 401 || status === 400, `${why}: ${status}`)
  assert.match(body.error, /^invalid_(?:client|request|grant)$/, why)
  assert.equal(body.access_token, undefined, why)
}

describe('a client that signs (private_key_jwt: RFC 7523, AM10)', () => {
  it('gets what the operator gave it, when it names no scope too', async () => {
    for (const audience of [installation.url, `${installation.url}/token`]) {
      const { status, body } = await ask(await signer.authenticate('signer', audience))
      assert.equal(status, 200, JSON.stringify(body))
      assert.equal(body.scope, 'mcp:tools:read mcp:tools:execute')
      assert.equal(decodeJwt(body.access_token)['client_id'], 'signer')
    }
    const unnamed = { ...(await signer.authenticate('signer', installation.url)), client_id: '' }
    assert.equal((await ask(unnamed)).body.scope, 'mcp:tools:read mcp:tools:execute', 'nor an empty name')
    const wide = await ask({
      ...(await signer.authenticate('signer', installation.url)),
      scope: 'mcp:resources:read',
    })
    assert.equal(wide.body.error, 'invalid_scope')
  })

  it('learns from the metadata how to sign: never with a shared secret', async () => {
    const response = await fetch(`${installation.url}/.well-known/oauth-authorization-server`)
    const metadata = (await response.json()) as Record<string, string[]>
    assert.ok(metadata['token_endpoint_auth_methods_supported']?.includes('private_key_jwt'))
    const algorithms = metadata['token_endpoint_auth_signing_alg_values_supported'] ?? []
    assert.ok(algorithms.includes('ES256') && !algorithms.some((name) => name.startsWith('HS')))
  })

  it('is not believed for another audience, after its time, or without the claims that bind it (A57)', async () => {
    const { privateKey } = await generateKeyPair('ES256')
    const wrong = {
      'another audience': { claims: { aud: 'https://other.example' } },
      'no audience': { claims: { aud: undefined } },
      expired: { expiresIn: -120 },
      'no end': { claims: { exp: undefined } },
      'good for more than an hour': { expiresIn: 3700 },
      'good for ages': { claims: { exp: 1e16 } },
      'an end between seconds': { claims: { exp: Math.floor(Date.now() / 1000) + 60.5 } },
      'not yet valid': { claims: { nbf: Math.floor(Date.now() / 1000) + 600 } },
      'no jti': { claims: { jti: undefined } },
      'another issuer': { claims: { iss: 'user-client' } },
      'another subject': { claims: { sub: 'machine' } },
      'another key': { key: privateKey },
    }
    for (const [what, assertion] of Object.entries(wrong)) {
      assertRefused(await ask(await signer.authenticate('signer', installation.url, assertion)), what)
    }
  })

  it('is nobody where the subject is no text', async () => {
    for (const sub of [5, true, ['signer'], { id: 'signer' }])
      assertRefused(await ask(await signer.authenticate('signer', installation.url, { claims: { sub } })))
    assert.doesNotMatch(installation.log(), /"msg":"fault"/)
  })

  it('is believed for an assertion that is good for an hour at most', async () => {
    const { status } = await ask(await signer.authenticate('signer', installation.url, { expiresIn: 3590 }))
    assert.equal(status, 200)
  })

  it('is believed once for each assertion, also of 20 at once (A57)', async () => {
    const assertion = await signer.authenticate('signer', installation.url)
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(assertion)))
    const refused = answers.filter(({ status }) => status !== 200)
    assert.equal(refused.length, 19)
    for (const { status, body } of [...refused, await ask(assertion)])
      assert.deepEqual([status, body.error], [401, 'invalid_client'])
  })

  it('has to sign: no alg none, no HMAC with the public key (A57)', async () => {
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: 'signer', sub: 'signer', aud: installation.url, jti: 'x', exp: now + 60 }
    const { client_assertion_type: type = '' } = await signer.authenticate('signer', installation.url)
    assertRefused(
      await ask({ client_assertion: new UnsecuredJWT(claims).encode(), client_assertion_type: type }),
    )
    const header = Buffer.from('{"alg":"HS256"}').toString('base64url')
    const body = Buffer.from(JSON.stringify(claims)).toString('base64url')
    assertRefused(await ask({ client_assertion: `${header}.${body}.AAAA`, client_assertion_type: type }))
  })

  it('gets in with nothing else: no secret, no name alone, nothing beside the assertion (A57)', async () => {
    const assertion = await signer.authenticate('signer', installation.url)
    assertRefused(await ask({ client_id: 'signer' }))
    assertRefused(await ask({ client_id: 'signer', client_secret: secret }))
    assertRefused(await ask({ ...assertion, client_secret: secret }))
    assertRefused(await ask(assertion, basic('signer', secret)))
    assertRefused(await ask({ ...assertion, client_id: 'machine' }))
  })
})

describe('a client with a secret (A57, R16)', () => {
  it('shows it in one place, and never in the URL', async () => {
    assert.equal((await ask({ client_id: 'machine', client_secret: secret })).status, 200)
    assert.equal((await ask({}, basic('machine', secret))).status, 200)
    assertRefused(
      await ask({ client_id: 'machine', client_secret: secret }, basic('machine', secret)),
      'twice',
    )
    assertRefused(await ask({ client_id: 'machine' }), 'none')
    const inUrl = await endpoint().token(
      { grant_type: 'client_credentials' },
      { path: `/token?client_id=machine&client_secret=${secret}` },
    )
    assertRefused(inUrl, 'in the URL')
    assert.ok(!installation.log().includes(secret))
  })

  it('shows it to nobody who reads log or audit, even if all of its form is one parameter (A14)', async () => {
    for (const separator of [';', '&', '\n']) {
      const all = `client_credentials${separator}client_id=machine${separator}client_secret=${secret}`
      assert.equal((await ask({ grant_type: all, client_id: 'machine' })).body.error, 'invalid_client')
    }
    const names = ['password', 'http://auth0.com/oauth/grant-type/password-realm']
    for (const grant_type of names)
      assert.equal((await ask({ grant_type, client_id: 'user-client' })).status, 400)
    const recorded = (await installation.audit()).map(({ grantType }) => grantType)
    for (const name of names) assert.ok(recorded.includes(name), 'a name is recorded, which may be a URL')
    assert.ok(!JSON.stringify(recorded).includes(secret))
    assert.ok(!installation.log().includes(secret))
  })

  it('encodes it in a header as OAuth demands, or does not, as curl and the SDK of MCP do (N12)', async () => {
    const encoded = encodeURIComponent(spelledSecret)
    for (const sent of [encoded, spelledSecret])
      assert.equal((await ask({}, basic('spelled', sent))).status, 200, sent)
    const other = spelledSecret.replace('+', ' ')
    for (const sent of [other, encodeURIComponent(other), encodeURIComponent(encoded)])
      assertRefused(await ask({}, basic('spelled', sent)), sent)
    assertRefused(await ask({ client_id: 'spelled', client_secret: encoded }), 'in the body')
    const id = 'un+readable'
    for (const [name, sent] of [
      [id, unreadableSecret],
      [encodeURIComponent(id), encodeURIComponent(unreadableSecret)],
      ['readable', unreadableSecret],
    ] as const)
      assert.equal((await ask({}, basic(name, sent))).status, 200, sent)
    assertRefused(await ask({}, basic(id, `${unreadableSecret}%`)))
  })

  it('cannot be guessed at: the eleventh wrong secret of a minute has to wait, and so has the right one', async () => {
    for (let attempt = 0; attempt < 10; attempt++)
      assertRefused(await ask({ client_id: 'guessed', client_secret: `wrong-secret-${attempt}` }))
    for (const attempt of ['another-wrong-one', secret]) {
      const { status, headers, body } = await ask({ client_id: 'guessed', client_secret: attempt })
      assert.equal(status, 429)
      assert.equal(body.error, 'temporarily_unavailable')
      assert.match(headers.get('retry-after') ?? '', /^[1-9]\d?$/)
    }
    assert.equal(
      (await ask({ client_id: 'machine', client_secret: secret })).status,
      200,
      'others do not wait',
    )
  })

  it('is guessed at from everywhere 300 times, where a person chose it; one that was made here waits for no stranger', async () => {
    const clientMetadata = {
      redirect_uris: ['https://app.example/cb'],
      token_endpoint_auth_method: 'client_secret_post',
    }
    const registered = await fetch(`${installation.url}/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(clientMetadata),
    })
    const made = (await registered.json()) as { client_id: string; client_secret: string }
    const chosen = { client_id: 'chosen', client_secret: secret }
    for (const [client, status] of [
      [made, 200],
      [chosen, 429],
    ] as const) {
      const { client_id, client_secret } = client
      assert.equal(await introspectFrom('192.0.2.1', { client_id, client_secret }), 200)
      for (let address = 1; address <= 30; address++) {
        const guesses = Array.from({ length: 10 }, () =>
          introspectFrom(`198.51.100.${address}`, { client_id, client_secret: 'wrong-secret' }),
        )
        assert.deepEqual(new Set(await Promise.all(guesses)), new Set([401]))
      }
      assert.equal(
        await introspectFrom('198.51.100.30', { client_id, client_secret }),
        429,
        'where it was guessed at',
      )
      assert.equal(await introspectFrom('192.0.2.1', { client_id, client_secret }), status, client_id)
    }
  })

  it('is slowed down at every endpoint that takes secrets together', async () => {
    const tryAt = (path: string, client_secret: string): Promise<TokenAnswer> => {
      const asked = { grant_type: 'client_credentials', token: 'x', client_id: 'everywhere', client_secret }
      return endpoint().token(asked, { path })
    }
    const paths = ['/token', '/revoke', '/introspect']
    for (let attempt = 0; attempt < 10; attempt++)
      assertRefused(await tryAt(paths[attempt % paths.length] as string, `wrong-secret-${attempt}`))
    for (const path of paths) assert.equal((await tryAt(path, secret)).status, 429, path)
  })
})

describe('a metadata document with keys (R9, A55)', () => {
  const redirect = 'http://localhost:45678/callback'

  it('makes a client that has to sign at the token endpoint, with its key set elsewhere too', async () => {
    const elsewhere = host.answer('/jwks', { body: JSON.stringify(signer.jwks) })
    for (const keys of [{ jwks: signer.jwks }, { jwks_uri: elsewhere }]) {
      const path = 'jwks' in keys ? '/inside.json' : '/elsewhere.json'
      const id = host.publish(path, { token_endpoint_auth_method: 'private_key_jwt', ...keys })
      const client = new OAuthClient(installation.url, id, redirect)
      const code = await client.authorize({ scope: 'mcp:tools:read' })
      assertRefused(await client.redeem(code), 'without an assertion')
      const again = await client.authorize({ scope: 'mcp:tools:read' })
      const { status, body } = await client.redeem(again, await signer.authenticate(id, installation.url))
      assert.equal(status, 200, JSON.stringify(body))
    }
    assert.equal(host.requests('/jwks'), 1)
  })

  it('has no key set fetched from inside a network', async () => {
    const members = { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'https://10.0.0.1/jwks' }
    const id = host.publish('/inner.json', members)
    const client = new OAuthClient(installation.url, id, redirect)
    const code = await client.authorize()
    assertRefused(await client.redeem(code, await signer.authenticate(id, installation.url)))
  })

  it('gives nothing that only an operator can give: no grant for machines, no sight of tokens of others', async () => {
    const id = host.publish('/greedy.json', {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: signer.jwks,
      grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
      operator_client: true,
      allowed_scopes: ['mcp:*'],
      scope: 'mcp:*',
    })
    const machine = await ask(await signer.authenticate(id, installation.url))
    assert.equal(machine.body.error, 'unauthorized_client')
    const { access_token: token } = await endpoint().signIn({ scope: 'mcp:tools:read' })
    const seen = await endpoint().token(
      { token, ...(await signer.authenticate(id, installation.url)) },
      { path: '/introspect' },
    )
    assert.deepEqual(seen.body, { active: false })
  })
})
