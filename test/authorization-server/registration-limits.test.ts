import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it, type TestContext } from 'node:test'
import type { ConfigInput } from '../../src/config/schema.ts'
import { systemClock } from '../../src/core/clock.ts'
import { loadMasterSecret } from '../../src/keys/master-secret.ts'
import type { Store } from '../../src/storage/contract.ts'
import { openStore } from '../../src/storage/open.ts'
import { signingClient } from '../support/client-assertion.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { movableClock } from '../support/movable-clock.ts'
import { OAuthClient } from '../support/oauth.ts'

interface Registered {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, string>
}

async function register(
  { url }: Installation,
  metadata: object,
  headers: Record<string, string> = {},
): Promise<Registered> {
  const response = await fetch(`${url}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(metadata),
  })
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, string>,
  }
}

async function begin(
  test: TestContext,
  registration: ConfigInput['registration'] = {},
  clock = movableClock(),
): Promise<Installation> {
  const installation = await startInstallation({ config: { registration }, clock })
  test.after(() => installation.close())
  return installation
}

async function withStore<T>({ data }: Installation, use: (store: Store) => Promise<T>): Promise<T> {
  const secret = loadMasterSecret({ folder: data })
  const store = await openStore({ folder: data, secret, clock: systemClock })
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}

const redirect = 'http://127.0.0.1:1/callback'
const fresh = (): object => ({ redirect_uris: [redirect], client_name: randomUUID() })

describe('a client without a secret that registers again (N16, N11)', () => {
  const metadata = {
    client_name: 'Same',
    redirect_uris: [redirect, 'https://app.example/cb'],
    grant_types: ['authorization_code', 'refresh_token'],
  }

  it('gets the same id, whatever the order and the loopback port', async (test) => {
    const installation = await begin(test)
    const { body: first } = await register(installation, metadata)
    const variants = [
      metadata,
      { ...metadata, grant_types: ['refresh_token', 'authorization_code'] },
      { ...metadata, redirect_uris: ['https://app.example/cb', 'http://127.0.0.1:54321/callback'] },
      { ...metadata, software_statement: 'ignored', client_id: 'mine', scope: '' },
      { ...metadata, grant_types: undefined },
      { ...metadata, response_types: ['code'], token_endpoint_auth_method: 'none' },
      { ...metadata, application_type: 'web', redirect_uris: ['https://app.example/cb', redirect] },
    ]
    for (const variant of variants) {
      const { status, body } = await register(installation, variant)
      assert.equal(status, 201)
      assert.equal(body['client_id'], first['client_id'])
      assert.deepEqual(body['redirect_uris'], variant.redirect_uris, 'the answer repeats what was asked for')
    }
    assert.equal((await withStore(installation, (store) => store.clients.list())).length, 1)
    const client = new OAuthClient(installation.url, first['client_id'], 'http://127.0.0.1:54321/callback')
    assert.ok((await client.signIn()).access_token)
  })

  it('gets another one for anything else that differs', async (test) => {
    const installation = await begin(test)
    const variants = [
      metadata,
      { ...metadata, client_name: 'Other' },
      { ...metadata, redirect_uris: ['http://127.0.0.1:1/other'] },
      // Odd spellings of one address: whoever registers them must not get in the way of the usual one.
      ...['http://127.1:1/callback', 'HTTP://127.0.0.1:1/callback', 'http://127.0.0.1:1/x/../callback'].map(
        (uri) => ({ ...metadata, redirect_uris: ['https://app.example/cb', uri] }),
      ),
      { ...metadata, redirect_uris: ['http://localhost:1/callback', 'https://app.example/cb'] },
      { ...metadata, redirect_uris: [redirect, 'https://app.example:8443/cb'] },
      { ...metadata, grant_types: ['authorization_code'] },
      { ...metadata, redirect_uris: ['https://app.example/cb'] },
      { ...metadata, redirect_uris: ['https://app.example/cb'], application_type: 'native' },
    ]
    const ids = []
    for (const variant of variants) ids.push((await register(installation, variant)).body['client_id'])
    assert.equal(new Set(ids).size, variants.length)
  })

  it('gets the same id where it signs, and another one with another key', async (test) => {
    const installation = await begin(test)
    const { jwks } = await signingClient()
    const signing = { redirect_uris: [redirect], token_endpoint_auth_method: 'private_key_jwt', jwks }
    const { body: one } = await register(installation, signing)
    assert.ok(one['client_id'])
    assert.equal((await register(installation, signing)).body['client_id'], one['client_id'])
    const rolled = { ...signing, jwks: (await signingClient()).jwks }
    assert.notEqual((await register(installation, rolled)).body['client_id'], one['client_id'])
  })

  it('is known under its old id after the store was lost', async (test) => {
    const installation = await begin(test)
    const { body: first } = await register(installation, metadata)
    await withStore(installation, (store) => store.clients.remove(first['client_id'] ?? ''))
    assert.equal((await register(installation, metadata)).body['client_id'], first['client_id'])
  })
})

describe('a confidential client that registers (N12, N16)', () => {
  it('gets an id and a secret of its own each time; the store has a hash', async (test) => {
    const installation = await begin(test)
    const metadata = {
      redirect_uris: ['https://app.example/cb'],
      token_endpoint_auth_method: 'client_secret_post',
    }
    const { body: one } = await register(installation, metadata)
    const { body: two } = await register(installation, metadata)
    assert.notEqual(one['client_id'], two['client_id'])
    assert.notEqual(one['client_secret'], two['client_secret'])
    const { client_id: id = '', client_secret: secret = '' } = one
    const client = new OAuthClient(installation.url, id, 'https://app.example/cb')
    const code = await client.authorize()
    const { status } = await client.redeem(code, { client_secret: secret })
    assert.equal(status, 200)
    for (const wrong of [two['client_secret'] ?? '', '', `${secret}x`]) {
      const refused = await client.redeem(await client.authorize(), { client_secret: wrong })
      assert.ok(refused.status === 401 || refused.status === 400)
    }
    const stored = await withStore(installation, (store) => store.clients.find(id))
    assert.ok(stored?.secretHash !== undefined && stored.secretHash !== secret)
    assert.ok(!JSON.stringify(stored).includes(secret))
    const refused = await client.redeem(await client.authorize(), { client_secret: stored.secretHash })
    assert.equal(refused.status, 401, 'the hash is no secret')
    const raw = new DatabaseSync(join(installation.data, 'portcullis.sqlite'), { readOnly: true })
    assert.ok(!JSON.stringify(raw.prepare('SELECT * FROM clients').all()).includes(secret))
    raw.close()
  })
})

describe('registrations that nobody uses (A56, N16)', () => {
  it('expire, and those that are used do not', async (test) => {
    const clock = movableClock()
    const installation = await begin(test, { unusedSeconds: 3600, idleSeconds: 7200 }, clock)
    const unused = await OAuthClient.register(installation.url, fresh())
    const denied = await OAuthClient.register(installation.url, fresh())
    const used = await OAuthClient.register(installation.url, fresh())
    const refuses = new FormBrowser({ decision: 'deny' })
    await assert.rejects(denied.authorize({}, refuses), /access_denied/)
    await used.authorize()
    clock.advance(3_601_000)
    await assert.rejects(unused.authorize(), /registers anew/)
    await assert.rejects(denied.authorize(), /registers anew/)
    assert.ok(await used.authorize())
    const { status } = await unused.refresh('x')
    assert.equal(status, 401)
  })

  it('make room for others; the used ones never do, and the refusal says when to come back', async (test) => {
    const installation = await begin(test, { maxClients: 2 })
    const used = await OAuthClient.register(installation.url, fresh())
    await used.authorize()
    const pushedOut = await OAuthClient.register(installation.url, fresh())
    const next = await OAuthClient.register(installation.url, fresh())
    await assert.rejects(pushedOut.authorize(), /registers anew/)
    await next.authorize()
    const { status, headers, body } = await register(installation, fresh())
    assert.equal(status, 503)
    assert.equal(body['error'], 'temporarily_unavailable')
    assert.equal(headers.get('retry-after'), '600')
    assert.ok(await used.authorize())
    assert.ok(await next.authorize())
  })
})

describe('registration with a token (A56, R14)', () => {
  const initialAccessToken = 'initial-access-token-of-the-tests'

  it('is for those who show it, in the header', async (test) => {
    const installation = await begin(test, { dynamic: 'token', initialAccessToken })
    const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })
    assert.equal((await register(installation, fresh(), bearer(initialAccessToken))).status, 201)
    for (const headers of [
      {},
      bearer('wrong'),
      bearer(`${initialAccessToken}x`),
      bearer(initialAccessToken.slice(0, -1)),
      { authorization: `Basic ${initialAccessToken}` },
    ]) {
      const { status, body } = await register(installation, fresh(), headers)
      assert.ok(status === 400 || status === 401)
      assert.equal(body['client_id'], undefined)
    }
    const url = `${installation.url}/register?access_token=${initialAccessToken}`
    const headers = { 'content-type': 'application/json' }
    const inUrl = await fetch(url, { method: 'POST', headers, body: JSON.stringify(fresh()) })
    assert.equal(inUrl.status, 400)
    assert.ok(!installation.log().includes(initialAccessToken))
  })
})

describe('what a client cannot register (A56)', () => {
  it('is anything that an operator gives: grants, scopes, standing, an id, a secret', async (test) => {
    const installation = await begin(test)
    const { body } = await register(installation, {
      redirect_uris: ['https://app.example/cb'],
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: [
        'client_credentials',
        'authorization_code',
        'urn:ietf:params:oauth:grant-type:jwt-bearer',
      ],
      client_id: 'machine',
      client_secret: 'chosen-by-the-client',
      operator_client: true,
      allowed_scopes: ['mcp:*'],
      software_statement: 'eyJhbGciOiJub25lIn0.eyJjbGllbnRfbmFtZSI6IlRydXN0ZWQifQ.',
      client_name: 'Plain',
    })
    assert.deepEqual(body['grant_types'], ['authorization_code'])
    assert.notEqual(body['client_id'], 'machine')
    assert.notEqual(body['client_secret'], 'chosen-by-the-client')
    assert.equal(body['client_name'], 'Plain', 'an unsigned statement changes nothing')
    for (const member of ['operator_client', 'allowed_scopes', 'software_statement'])
      assert.ok(!(member in body), member)
    const { client_id: id = '', client_secret: secret = '' } = body
    const credentials = { client_id: id, client_secret: secret }
    const client = new OAuthClient(installation.url)
    const machine = await client.token({ grant_type: 'client_credentials', scope: 'mcp:*', ...credentials })
    assert.equal(machine.status, 400)
    const { access_token: token } = await client.signIn()
    const seen = await client.token({ token, ...credentials }, { path: '/introspect' })
    assert.deepEqual(seen.body, { active: false })
  })

  it('is an address that the server would fetch (A55)', async (test) => {
    const installation = await begin(test)
    const uris = {
      jwks_uri: 'https://10.0.0.1/',
      sector_identifier_uri: 'https://10.0.0.1/',
      initiate_login_uri: 'x',
    }
    const { status, body } = await register(installation, { redirect_uris: [redirect], ...uris })
    assert.equal(status, 201)
    for (const member of Object.keys(uris)) assert.ok(!(member in body), member)
  })

  it('is a value that is nested deeply', async (test) => {
    const installation = await begin(test)
    const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`
    const nested = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
    const bodies = ['redirect_uris', 'client_name', 'contacts', 'jwks', 'grant_types'].flatMap((member) => [
      `{"redirect_uris":["${redirect}"],"${member}":${deep(7000)}}`,
      `{"redirect_uris":["${redirect}"],"${member}":${nested(2500)}}`,
    ])
    for (const body of [...bodies, '{"redirect_uris":[["https://app.example/cb"]]}']) {
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(`${installation.url}/register`, { method: 'POST', headers, body })
      assert.equal(response.status, 400, body.slice(0, 60))
      const { error } = (await response.json()) as { error: string }
      assert.match(error, /^invalid_(?:client_metadata|redirect_uri)$/)
    }
    assert.ok(!installation.log().includes('"fault"'))
  })

  it('is more than 16 KB', async (test) => {
    const installation = await begin(test)
    const { status } = await register(installation, {
      redirect_uris: [redirect],
      client_name: 'x'.repeat(16_400),
    })
    assert.equal(status, 413)
  })
})

describe('clients of a store that an earlier version made', () => {
  it('are still known, and move to the table of clients', async (test) => {
    const installation = await begin(test)
    const legacy = {
      client_id: 'legacy',
      client_secret: 'a-secret-from-before',
      redirect_uris: ['https://app.example/cb'],
      token_endpoint_auth_method: 'client_secret_post',
    }
    await withStore(installation, (store) =>
      store.artifacts.put({ model: 'Client', id: 'legacy', payload: legacy }),
    )
    const client = new OAuthClient(installation.url, 'legacy', 'https://app.example/cb')
    const { status } = await client.redeem(await client.authorize(), { client_secret: legacy.client_secret })
    assert.equal(status, 200)
    await withStore(installation, async (store) => {
      assert.equal(await store.artifacts.find('Client', 'legacy'), undefined)
      assert.ok(!JSON.stringify(await store.clients.find('legacy')).includes(legacy.client_secret))
    })
    const again = await client.redeem(await client.authorize(), { client_secret: legacy.client_secret })
    assert.equal(again.status, 200)
  })
})
