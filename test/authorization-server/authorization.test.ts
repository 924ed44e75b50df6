import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { challengeOf, OAuthClient } from '../support/oauth.ts'

let installation: Installation
let client: OAuthClient
before(async () => {
  installation = await startInstallation()
  client = new OAuthClient(installation.url)
})
after(() => installation.close())

const verifier = 'a'.repeat(43)

/** Makes an authorization request whose parameters can be changed or, with undefined, left out. */
function request(changes: Record<string, string | undefined>, extra = ''): Promise<URL | undefined> {
  const url = new URL(client.authorizationUrl({ verifier }))
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) url.searchParams.delete(name)
    else url.searchParams.set(name, value)
  }
  return browser().visit(url.href + extra)
}

let current: FormBrowser
const browser = (): FormBrowser => (current = new FormBrowser())

describe('a request for two servers', () => {
  it('is refused: a person is asked about one, and a token is for one (A59)', async () => {
    const callback = await request(
      { resource: installation.mcpUrl },
      `&resource=${encodeURIComponent(`${installation.url}/other/mcp`)}`,
    )
    assert.equal(callback?.searchParams.get('error'), 'invalid_target')
    assert.ok(!current.pages.some(({ html }) => html.includes('<form')), 'nobody was asked')
  })
})

describe('a good authorization request', () => {
  it('comes back with code, state and iss, by 303 after each form (P6, P8, P10, A46, A47)', async () => {
    const state = 'ä &=%+ "quoted" ~'
    const callback = await request({ state, scope: 'mcp:tools:read', 'unheard-of': 'parameter' })
    assert.deepEqual(current.redirectsAfterForms, [303, 303])
    assert.equal(callback?.searchParams.get('state'), state)
    assert.equal(callback?.searchParams.get('iss'), installation.url)
    assert.ok(callback?.searchParams.get('code'))
    assert.equal(callback?.origin + (callback?.pathname ?? ''), 'http://127.0.0.1:1/callback')
  })

  it('gives a token of RFC 9068 for the canonical resource', async () => {
    const {
      access_token: token,
      token_type: type,
      scope,
    } = await client.signIn({ scope: 'mcp:tools:read unheard:of' })
    const header = decodeProtectedHeader(token)
    const payload = decodeJwt(token)
    assert.equal(header.typ, 'at+jwt')
    assert.equal(header.alg, 'ES256')
    assert.equal(payload.iss, installation.url)
    assert.equal(payload.aud, installation.mcpUrl)
    assert.equal(payload.sub, 'dev_user_123')
    assert.equal(payload['client_id'], 'user-client')
    assert.equal(payload['scope'], 'mcp:tools:read')
    assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 3600)
    assert.ok(payload.jti)
    assert.equal(type, 'Bearer')
    assert.equal(scope, 'mcp:tools:read', 'unknown scopes are dropped, and the answer says so (T1)')
  })

  it('understands every spelling of the resource, and its absence (P13, P14, A59)', async () => {
    const { port } = new URL(installation.url)
    for (const resource of [
      installation.mcpUrl,
      `${installation.mcpUrl}/`,
      `http://localhost:${port}/mcp`,
      `HTTP://LOCALHOST:${port}/mcp`,
      installation.url,
      `${installation.url}/`,
    ]) {
      const issued = await client.authorize({ resource })
      const { body } = await client.redeem(issued, { resource: `${installation.mcpUrl}/` })
      assert.equal(decodeJwt(body.access_token).aud, installation.mcpUrl, resource)
    }
    assert.equal(decodeJwt((await client.signIn({})).access_token).aud, installation.mcpUrl)
  })

  it('is in the audit as it was spelled, where tokens spell it otherwise (N6)', async () => {
    const spelled = `${installation.mcpUrl}/`
    const [usual, other] = [installation.mcpUrl, spelled]
    const known = (await installation.audit()).length
    for (const [asked, redeemed] of [
      [usual, usual],
      [other, usual],
      [usual, other],
    ] as const) {
      const { body } = await client.redeem(await client.authorize({ resource: asked }), {
        resource: redeemed,
      })
      await client.token({
        grant_type: 'refresh_token',
        client_id: client.clientId,
        refresh_token: body.refresh_token,
        resource: redeemed,
      })
    }
    const told = (await installation.audit()).slice(known).flatMap(({ event, resourceAsked }) => {
      return resourceAsked === undefined ? [] : [[event, resourceAsked]]
    })
    assert.deepEqual(told, [
      ['oauth.authorization', spelled],
      ['oauth.token', spelled],
      ['oauth.token', spelled],
    ])
  })

  it('asks for the baseline when it names no scope', async () => {
    assert.equal((await client.signIn({})).scope, 'mcp:tools:read mcp:resources:list mcp:prompts:list')
  })

  it('accepts offline_access and prompt=consent, and gives a refresh token either way (N22)', async () => {
    const asked = await client.signIn({
      scope: 'mcp:tools:read offline_access',
      extra: { prompt: 'consent' },
    })
    const again = await client.refresh(asked.refresh_token, { scope: 'mcp:tools:read offline_access' })
    assert.deepEqual([again.status, again.body.scope], [200, 'mcp:tools:read'], 'and may be repeated')
    assert.equal((await client.refresh(again.body.refresh_token, { scope: 'offline_access' })).status, 200)
    assert.ok((await client.signIn({ scope: 'mcp:tools:read' })).refresh_token)
  })

  it('leads to refreshes that name a scope once, also where it is offline_access', async () => {
    const { refresh_token: token } = await client.signIn({ scope: 'mcp:tools:read' })
    const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token })
    form.append('client_id', client.clientId)
    for (const scope of ['mcp:tools:read offline_access', 'mcp:tools:read']) form.append('scope', scope)
    const answer = await fetch(`${installation.url}/token`, { method: 'POST', body: form })
    const { error } = (await answer.json()) as Record<string, unknown>
    assert.deepEqual([answer.status, error], [400, 'invalid_request'])
  })
})

describe('PKCE (P1, P2, A42)', () => {
  it('computes the vector of RFC 7636 appendix B', () => {
    assert.equal(
      challengeOf('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'),
      'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    )
  })

  it('redeems the code of a known verifier and challenge', async () => {
    const known = 'ClW1UjPmI9pUt4J1yXV1ZwKGG4R7R8mrSdPGqUPjIjS'
    assert.equal(challengeOf(known), '1OEicfz_Cio09rjbMf7Ot5F3GpAw6obak7CJrXsjtCg')
    assert.equal((await client.redeem(await client.authorize({ verifier: known }))).status, 200)
  })

  it('is compulsory, with S256 alone, for every client', async () => {
    for (const changes of [
      { code_challenge: undefined, code_challenge_method: undefined },
      { code_challenge_method: 'plain' },
      { code_challenge_method: undefined },
      { code_challenge: 'short' },
    ]) {
      const callback = await request(changes)
      assert.equal(callback?.searchParams.get('error'), 'invalid_request', JSON.stringify(changes))
      assert.equal(callback?.searchParams.get('iss'), installation.url)
    }
  })

  it('refuses a wrong, missing or short verifier, and burns nothing but the code', async () => {
    for (const code_verifier of ['b'.repeat(43), '', 'short']) {
      const issued = await client.authorize({ verifier })
      const { status, body } = await client.redeem(issued, { code_verifier })
      assert.equal(status, 400)
      assert.match(body.error, /^invalid_(?:grant|request)$/)
    }
  })
})

describe('a request with an address that its client did not register (P3, A41)', () => {
  const uris = [
    'http://127.0.0.1:1/callback/',
    'http://127.0.0.1:1/Callback',
    'http://127.0.0.1:1/callback?x=1',
    'http://127.0.0.1:1/callback#f',
    'http://127.0.0.1:1/callback/../evil',
    'http://127.0.0.1:1/callback%2f',
    'http://localhost:1/callback',
    'http://127.0.0.1.evil.example:1/callback',
    'http://127.0.0.1:1@evil.example/callback',
    'http://evil.example\\@127.0.0.1:1/callback',
    'https://127.0.0.1:1/callback',
    'http://127.0.0.2:1/callback',
    'javascript:alert(1)',
    'data:text/html,x',
    '',
  ]
  for (const uri of uris) {
    it(`is not redirected: ${uri === '' ? 'an empty address' : uri}`, async () => {
      assert.equal(await request({ redirect_uri: uri }), undefined)
      assert.equal(current.lastPage.status, 400)
      assert.match(current.lastPage.headers.get('content-type') ?? '', /^text\/html/)
      assert.doesNotMatch(current.lastPage.html, /<form/)
    })
  }

  it('is redirected where only the port of a loopback address differs (N13)', async () => {
    const callback = await request({ redirect_uri: 'http://127.0.0.1:54321/callback' })
    assert.equal(callback?.port, '54321')
    const other = await OAuthClient.register(installation.url, {
      redirect_uris: ['http://localhost/cb', 'http://[::1]/cb'],
    })
    for (const redirectUri of ['http://localhost:4567/cb', 'http://[::1]:4567/cb']) {
      const { callback: sent } = await other.authorize({ redirectUri })
      assert.ok(sent.href.startsWith(redirectUri))
    }
  })

  it('is not redirected where the port differs at another host', async () => {
    const other = await OAuthClient.register(installation.url, { redirect_uris: ['https://app.example/cb'] })
    const url = other.authorizationUrl({ verifier, redirectUri: 'https://app.example:8443/cb' })
    assert.equal(await browser().visit(url), undefined)
  })

  it('is not redirected without a client or a redirect URI', async () => {
    assert.equal(await request({ client_id: undefined }), undefined)
    assert.equal(await request({ redirect_uri: undefined }), undefined)
  })
})

describe('a request that is wrong otherwise', () => {
  it('comes back to the client with error, state and iss (A46)', async () => {
    for (const [changes, error] of [
      [{ response_type: 'token' }, 'unsupported_response_type'],
      [{ response_type: 'code token' }, 'unsupported_response_type'],
      [{ resource: 'https://elsewhere.example/mcp' }, 'invalid_target'],
      [{ resource: `${installation.mcpUrl}#f` }, 'invalid_target'],
      [{ request: 'eyJ' }, 'request_not_supported'],
      [{ request_uri: 'https://evil.example/r' }, 'request_uri_not_supported'],
    ] as [Record<string, string>, string][]) {
      const callback = await request(changes)
      // What was asked for as a token is answered where a token would be.
      const answer = callback?.hash ? new URLSearchParams(callback.hash.slice(1)) : callback?.searchParams
      assert.equal(answer?.get('error'), error, JSON.stringify(changes))
      assert.equal(answer?.get('state'), 'a state')
      assert.equal(answer?.get('iss'), installation.url)
    }
  })

  it('is refused when a parameter stands twice (P8, A47)', async () => {
    for (const extra of [
      '&state=other',
      '&scope=mcp:*',
      '&client_id=user-client',
      '&redirect_uri=http://127.0.0.1:1/callback',
      '&acr_values=a&acr_values=b',
      '&max_age=1&max_age=2',
    ]) {
      const callback = await request({ scope: 'mcp:tools:read' }, extra)
      if (callback === undefined) assert.equal(current.lastPage.status, 400, extra)
      else assert.equal(callback.searchParams.get('error'), 'invalid_request', extra)
      assert.ok(!current.pages.some(({ html }) => html.includes('<form')), 'nobody was asked')
    }
  })

  it('does not exist as a POST, and knows no password and no implicit grant (T10, A61)', async () => {
    assert.equal((await fetch(`${installation.url}/authorize`, { method: 'POST' })).status, 405)
    for (const grant_type of [
      'password',
      'implicit',
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
      'whatever',
      '',
    ]) {
      const { status, body } = await client.token({
        grant_type,
        client_id: 'user-client',
        username: 'u',
        password: 'p',
      })
      assert.equal(status, 400)
      assert.match(body.error, /^(?:unsupported_grant_type|invalid_request)$/)
    }
  })
})

describe('the no of a user', () => {
  it('comes to the client, with state and iss', async () => {
    const denying = new FormBrowser({ decision: 'deny' })
    const callback = await denying.visit(client.authorizationUrl({ verifier }))
    assert.equal(callback?.searchParams.get('error'), 'access_denied')
    assert.equal(callback?.searchParams.get('state'), 'a state')
    assert.equal(callback?.searchParams.get('iss'), installation.url)
    assert.equal(callback?.searchParams.get('code'), null)
  })
})
