import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'

let installation: Installation
before(async () => {
  installation = await startInstallation()
})
after(() => installation.close())

interface Registered {
  readonly status: number
  readonly body: Record<string, unknown>
}

async function register(metadata: unknown): Promise<Registered> {
  const response = await fetch(`${installation.url}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof metadata === 'string' ? metadata : JSON.stringify(metadata),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

describe('dynamic registration of real clients (R12, R13, R14)', () => {
  const bodies: Record<string, object> = {
    'MCP Inspector': {
      redirect_uris: ['http://127.0.0.1:6274/oauth/callback'],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      client_name: 'MCP Inspector',
      client_uri: 'https://github.com/modelcontextprotocol/inspector',
      scope: 'mcp:tools',
      application_type: 'native',
    },
    'the old Inspector, with two callbacks': {
      redirect_uris: ['http://localhost:6374/oauth/callback', 'http://localhost:6374/oauth/callback/debug'],
      token_endpoint_auth_method: 'none',
      client_name: 'MCP Inspector',
    },
    'SDK v1, without application_type, with a first scope': {
      client_name: 'sdk',
      redirect_uris: ['http://localhost:8090/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      scope: 'mcp:tools:read',
    },
    'one that asks for offline_access': {
      redirect_uris: ['http://localhost:3334/oauth/callback'],
      scope: 'openid offline_access mcp:tools:read',
    },
    'one that sends empty texts and nulls': {
      redirect_uris: ['http://[::1]:8090/callback'],
      token_endpoint_auth_method: '',
      token_endpoint_auth_signing_alg: '',
      client_uri: '',
      logo_uri: null,
      tos_uri: '',
      contacts: ['nobody', 'a@b.example'],
      software_id: '',
      scope: '',
    },
    'one that names addresses of other kinds': {
      redirect_uris: ['https://app.example/callback'],
      client_uri: 'app.example',
      logo_uri: 'data:image/png;base64,AAAA',
      tos_uri: 'https://',
      policy_uri: 5,
      contacts: [
        'mailto:dev@app.example',
        'https://social.example/@dev',
        'dev@app..example',
        'é@app.example',
      ],
    },
    'one that writes null for all that it leaves out': {
      redirect_uris: ['https://app.example/callback'],
      token_endpoint_auth_method: null,
      grant_types: null,
      response_types: null,
      application_type: null,
      contacts: null,
      jwks: null,
      dpop_bound_access_tokens: null,
      require_pushed_authorization_requests: null,
      post_logout_redirect_uris: null,
    },
    'one with grants that do not exist here': {
      redirect_uris: ['https://app.example/callback'],
      grant_types: ['authorization_code', 'implicit', 'password', 'urn:x'],
    },
    'one that can take more kinds of answers than there are': {
      redirect_uris: ['https://app.example/callback'],
      grant_types: ['authorization_code', 'implicit', 'refresh_token'],
      response_types: ['code', 'token', 'code id_token', 'id_token'],
    },
    'one that names no kind of answer': {
      redirect_uris: ['https://app.example/callback'],
      response_types: [],
    },
    'one of another type, with the algorithm of a signature that it does not make': {
      redirect_uris: ['https://app.example/callback'],
      application_type: 'spa',
      token_endpoint_auth_signing_alg: 'HS256',
    },
    'one that names nothing but its callback': { redirect_uris: ['https://app.example/callback'] },
  }
  for (const [who, metadata] of Object.entries(bodies)) {
    it(`lets in ${who}`, async () => {
      const { status, body } = await register(metadata)
      assert.equal(status, 201, JSON.stringify(body))
      assert.equal(body['token_endpoint_auth_method'], 'none')
      assert.equal(body['client_secret'], undefined)
      assert.deepEqual(body['redirect_uris'], (metadata as { redirect_uris: string[] }).redirect_uris)
      assert.doesNotMatch(
        String(body['client_id']),
        /^https:/,
        'a made-up id never looks like a document (R10)',
      )
      assert.deepEqual(
        (body['grant_types'] as string[]).filter(
          (type) => !['authorization_code', 'refresh_token'].includes(type),
        ),
        [],
      )
      assert.ok((body['grant_types'] as string[]).includes('authorization_code'))
      assert.deepEqual(
        body['response_types'],
        ['code'],
        'it hears what was registered (RFC 7591 section 3.2.1)',
      )
    })
  }

  it('gives a secret to a client that asks for one, and honours the method (N12)', async () => {
    for (const method of ['client_secret_basic', 'client_secret_post']) {
      const { status, body } = await register({
        redirect_uris: ['https://app.example/cb'],
        token_endpoint_auth_method: method,
      })
      assert.equal(status, 201)
      assert.equal(body['token_endpoint_auth_method'], method)
      assert.ok(String(body['client_secret']).length >= 43)
    }
  })

  it('gives no token with which a registration could be read or changed (A56)', async () => {
    const { body } = await register({ redirect_uris: ['https://app.example/cb'] })
    for (const member of ['registration_access_token', 'registration_client_uri'])
      assert.equal(body[member], undefined, member)
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const { status } = await fetch(`${installation.url}/register/${String(body['client_id'])}`, { method })
      assert.equal(status, 404, method)
    }
  })

  it('gives refresh tokens only to a client that registered for them (T5)', async () => {
    for (const grants of [['authorization_code'], ['authorization_code', 'refresh_token']]) {
      const client = await OAuthClient.register(installation.url, {
        redirect_uris: ['http://127.0.0.1:1/cb'],
        grant_types: grants,
      })
      const { refresh_token: token } = await client.signIn({ scope: 'mcp:tools:read' })
      assert.equal(token !== undefined, grants.includes('refresh_token'), grants.join())
    }
  })

  it('answers with the scope that was asked for, and with no member of another name', async () => {
    const metadata = { redirect_uris: ['https://app.example/cb'], scope: 'mcp:tools:read' }
    const { body } = await register(metadata)
    assert.equal(body['scope'], 'mcp:tools:read')
    const { body: without } = await register({ ...metadata, scope: undefined })
    for (const answer of [body, without]) assert.ok(!('requested_scope' in answer))
    assert.ok(!('scope' in without))
  })

  it('registers for a client that comes with a longer scope later (step-up is never blocked)', async () => {
    const client = await OAuthClient.register(installation.url, {
      redirect_uris: ['http://127.0.0.1:1/cb'],
      scope: 'mcp:tools:read',
    })
    const { scope } = await client.signIn({ scope: 'mcp:tools:read mcp:tools:execute' })
    assert.equal(scope, 'mcp:tools:read mcp:tools:execute')
  })
})

/** A client that signs, and only with an algorithm that it names. */
const signing = (algorithm: string, namedCurve = 'P-256') => ({
  token_endpoint_auth_method: 'private_key_jwt',
  token_endpoint_auth_signing_alg: algorithm,
  jwks: { keys: [generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' })] },
})

describe('registrations that are refused (A56, P4)', () => {
  for (const uri of [
    'http://app.example/callback',
    'http://192.168.1.2/callback',
    'http://localhost.evil.example/callback',
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'myapp://callback',
    'https://app.example/cb#fragment',
    'https://user@app.example/cb',
    'not a url',
  ]) {
    it(`with the redirect URI ${uri}`, async () => {
      const { status, body } = await register({ redirect_uris: [uri] })
      assert.equal(status, 400)
      assert.match(String(body['error']), /^invalid_(?:redirect_uri|client_metadata)$/)
      assert.match(String(body['error_description']), /redirect_uris/)
    })
  }

  it('when nothing that it can use is offered: the answer says what is', async () => {
    const callback = { redirect_uris: ['https://app.example/cb'] }
    for (const [metadata, offered] of [
      [{ response_types: ['token', 'id_token'] }, /^response_types can only contain 'code'/],
      [{ token_endpoint_auth_method: 'client_secret_jwt' }, /^token_endpoint_auth_method must be 'none'/],
      [signing('HS256'), /^token_endpoint_auth_signing_alg must be 'ES256'/],
      [signing('ES256', 'P-384'), /^jwks has no key that an assertion can be verified with: on P-256/],
    ] as const) {
      const { status, body } = await register({ ...callback, ...metadata })
      assert.deepEqual([status, body['error']], [400, 'invalid_client_metadata'])
      assert.match(String(body['error_description']), offered)
    }
  })

  it('without redirect URIs, without an object, without JSON', async () => {
    for (const metadata of [
      {},
      { redirect_uris: [] },
      { redirect_uris: 'https://app.example/cb' },
      [],
      'text',
      '{',
    ]) {
      const { status, body } = await register(typeof metadata === 'string' ? metadata : metadata)
      assert.equal(status, 400, JSON.stringify(metadata))
      assert.equal(typeof body['error'], 'string')
    }
  })

  it('with the address of keys, which are not fetched: it says to send the keys', async () => {
    const { status, body } = await register({
      redirect_uris: ['https://app.example/cb'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: 'https://app.example/jwks',
    })
    assert.deepEqual([status, body['error']], [400, 'invalid_client_metadata'])
    assert.match(
      String(body['error_description']),
      /^jwks_uri is not taken here: send the keys themselves, as jwks/,
    )
  })

  it('that choose their own id, or are very large', async () => {
    const { body } = await register({
      redirect_uris: ['https://app.example/cb'],
      client_id: 'admin',
      client_secret: 'x',
    })
    assert.notEqual(body['client_id'], 'admin')
    const large = await register({
      redirect_uris: ['https://app.example/cb'],
      client_name: 'x'.repeat(70_000),
    })
    assert.equal(large.status, 413)
  })

  it('when registration is off', async () => {
    const closed = await startInstallation({ config: { registration: { dynamic: 'off' } } })
    for (const method of ['POST', 'GET', 'OPTIONS']) {
      const response = await fetch(`${closed.url}/register`, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(method === 'POST' ? { body: '{}' } : {}),
      })
      assert.equal(response.status, 404, method)
      assert.equal(response.headers.get('content-type'), 'application/json', method)
      assert.equal(response.headers.get('cache-control'), 'no-store', method)
      assert.equal(((await response.json()) as { error: string }).error, 'not_found', method)
    }
    const metadata = (await (
      await fetch(`${closed.url}/.well-known/oauth-authorization-server`)
    ).json()) as object
    assert.ok(!('registration_endpoint' in metadata))
    await closed.close()
  })
})

describe('a client that the store does not know (N11)', () => {
  it('meets a page that says what to do at /authorize', async () => {
    const browser = new FormBrowser()
    const url = new OAuthClient(installation.url, 'lost-client').authorizationUrl({
      verifier: 'x'.repeat(43),
    })
    assert.equal(await browser.visit(url), undefined)
    assert.equal(browser.lastPage.status, 400)
    assert.match(browser.lastPage.html, /so that it registers anew.* on a command line, sign out of the/)
  })

  it('gets invalid_client at /token, so that it registers anew', async () => {
    const client = new OAuthClient(installation.url, 'lost-client')
    const { status, body } = await client.refresh('whatever')
    assert.equal(status, 401)
    assert.equal(body.error, 'invalid_client')
  })

  it('is known again after a restart, since registrations are kept', async () => {
    const client = await OAuthClient.register(installation.url, { redirect_uris: ['http://127.0.0.1:1/cb'] })
    await installation.restart()
    assert.ok((await client.signIn()).access_token)
  })
})
