import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { alice, startFederation } from '../support/federation.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation, testClients } from '../support/installation.ts'
import { challengeOf, OAuthClient } from '../support/oauth.ts'
import { until } from '../support/until.ts'

const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code'
const verifier = 'v'.repeat(43)

let installation: Installation
let client: OAuthClient
before(async () => {
  const television = { id: 'television', grantTypes: [deviceCode] as [typeof deviceCode] }
  installation = await startInstallation({
    config: { clients: [...testClients, television], grants: { deviceCode: 'on' } },
  })
  client = new OAuthClient(installation.url)
})
after(() => installation.close())

/** Pushes a request, and returns the URL that it is made with. */
async function push(parameters: Record<string, string>): Promise<string> {
  const { status, body } = await client.token(
    {
      client_id: client.clientId,
      response_type: 'code',
      redirect_uri: client.redirectUri,
      code_challenge: challengeOf(verifier),
      code_challenge_method: 'S256',
      ...parameters,
    },
    { path: '/par' },
  )
  assert.equal(status, 201, JSON.stringify(body))
  const query = new URLSearchParams({ client_id: client.clientId, request_uri: String(body['request_uri']) })
  return `${installation.url}/authorize?${query.toString()}`
}

const urlOf = (extra: Record<string, string>): string => client.authorizationUrl({ verifier, extra })
const loginsOf = ({ pages }: FormBrowser): number =>
  pages.filter(({ html }) => html.includes('name="name"')).length

describe('a client that wants an account to be selected (OpenID Connect Core section 3.1.2.1)', () => {
  for (const prompt of ['select_account', 'select_account consent', 'login select_account']) {
    it(`has its user sign in, as whoever they choose: prompt=${prompt}`, async () => {
      for (const ask of [async (extra: Record<string, string>) => urlOf(extra), push]) {
        const filled = { name: 'ann' }
        const browser = new FormBrowser({ fill: filled })
        await client.authorize({}, browser)
        filled.name = 'bob'
        const callback = await browser.visit(await ask({ prompt }))
        assert.equal(loginsOf(browser), 2)
        const code = callback?.searchParams.get('code') ?? ''
        const { body } = await client.redeem({ code, verifier, callback: callback as URL })
        assert.equal(decodeJwt(body.access_token).sub, 'bob')
      }
    })
  }
})

describe('a nonce without openid (RFC 6749 section 3.1)', () => {
  it('means nothing, and spoils nothing (P8)', async () => {
    for (const scope of [undefined, 'mcp:tools:read']) {
      const request = scope === undefined ? {} : { scope }
      const tokens = await client.signIn({ ...request, extra: { nonce: 'n' } })
      assert.equal(tokens['id_token'], undefined)
    }
    const callback = await new FormBrowser().visit(await push({ scope: 'mcp:tools:read', nonce: 'n' }))
    assert.ok(callback?.searchParams.get('code'))
    const parameters = { client_id: 'television', nonce: 'n' }
    assert.equal((await client.token(parameters, { path: '/device_authorization' })).status, 200)
  })

  it('is in the ID token where there is one', async () => {
    const tokens = await client.signIn({ scope: 'openid mcp:tools:read', extra: { nonce: 'n' } })
    assert.equal(decodeJwt(String(tokens['id_token']))['nonce'], 'n')
  })
})

describe('what is for OpenID Connect, without openid (RFC 6749 section 3.1)', () => {
  const scope = 'mcp:tools:read'
  it('is ignored where it asks for what only an ID token could tell', async () => {
    const extra = { acr_values: 'urn:a', claims_locales: 'en' }
    assert.equal((await client.signIn({ scope, extra })).scope, scope)
    const callback = await new FormBrowser().visit(await push({ scope, ...extra }))
    assert.ok(callback?.searchParams.get('code'))
    const parameters = { client_id: 'television', scope, ...extra }
    assert.equal((await client.token(parameters, { path: '/device_authorization' })).status, 200)
  })

  it('has the user sign in where it asks for a recent login (RFC 9470 section 4)', async () => {
    const recent: Record<string, string>[] = [
      { max_age: '0' },
      { max_age: '3600' },
      { max_age: '3600', prompt: 'consent' },
      { max_age: '3600', prompt: 'none' },
    ]
    for (const extra of recent)
      for (const ask of [async (more: Record<string, string>) => urlOf(more), push]) {
        const browser = new FormBrowser({ fill: { name: 'ann' } })
        await client.authorize({}, browser)
        const callback = await browser.visit(await ask({ scope, ...extra }))
        assert.ok(callback?.searchParams.get('code'), String(callback))
        assert.equal(loginsOf(browser), 2)
      }
  })

  it('is refused where a device asks for a recent login, which it would not get', async () => {
    const parameters = { client_id: 'television', scope, max_age: '0' }
    const { status, body } = await client.token(parameters, { path: '/device_authorization' })
    assert.deepEqual([status, body.error], [400, 'invalid_request'])
  })
})

describe('a device that wants a recent login, with openid (OpenID Connect Core section 3.1.2.1)', () => {
  it('has its user sign in where no login is recent enough, and only then', async () => {
    const fill = { name: 'ann', user_code: '' }
    const browser = new FormBrowser({ fill })
    await client.authorize({}, browser)
    const signedInAt = Date.now()
    await until(() => Date.now() >= signedInAt + 2000, 'the login is older than a second')
    for (const [max_age, logins] of [
      ['3600', 1],
      ['0', 2],
    ] as const) {
      const request = { client_id: 'television', scope: 'openid mcp:tools:read', max_age }
      const { body } = await client.token(request, { path: '/device_authorization' })
      fill.user_code = String(body['user_code'])
      await browser.visit(`${installation.url}/device`)
      assert.equal(loginsOf(browser), logins, max_age)
      const code = { grant_type: deviceCode, device_code: String(body['device_code']) }
      const tokens = await client.token({ client_id: 'television', ...code })
      const loginAt = Number(decodeJwt(String(tokens.body['id_token']))['auth_time']) * 1000
      assert.equal(loginAt > signedInAt, logins === 2)
    }
  })
})

describe('a client that says which user it means, by an ID token (OpenID Connect Core section 3.1.2.1)', () => {
  const scope = 'openid mcp:tools:read'
  let hint: string
  before(async () => {
    const tokens = await client.signIn({ scope }, new FormBrowser({ fill: { name: 'ann' } }))
    hint = String(tokens['id_token'])
  })

  it('gets nothing of another one, whether that one was signed in or signs in', async () => {
    for (const isSignedIn of [false, true])
      for (const ask of [async (extra: Record<string, string>) => urlOf(extra), push]) {
        const browser = new FormBrowser({ fill: { name: 'bob' } })
        if (isSignedIn) await client.authorize({}, browser)
        const already = loginsOf(browser)
        const callback = await browser.visit(await ask({ scope, id_token_hint: hint, state: 's' }))
        assert.equal(loginsOf(browser) - already, 1, 'bob is asked for a login once')
        assert.equal(callback?.searchParams.get('error'), 'login_required')
        assert.equal(callback?.searchParams.get('code'), null)
        assert.equal(callback?.searchParams.get('state'), 's')
        assert.equal(callback?.searchParams.get('iss'), installation.url)
      }
  })

  it('gets nothing of another one for a device either', async () => {
    const client_id = 'television'
    const letIn = async (name: string, parameters: Record<string, string>) => {
      const begun = await client.token({ client_id, scope, ...parameters }, { path: '/device_authorization' })
      const browser = new FormBrowser({ fill: { name, user_code: String(begun.body['user_code']) } })
      // Where nothing comes of it, the page asks for another code, and this browser has always the same.
      await browser.visit(`${installation.url}/device`).catch(() => undefined)
      const code = { grant_type: deviceCode, device_code: String(begun.body['device_code']) }
      return (await client.token({ client_id, ...code })).body
    }
    const own = { id_token_hint: String((await letIn('ann', {}))['id_token']) }
    assert.equal((await letIn('bob', own)).error, 'login_required')
    assert.equal(decodeJwt((await letIn('ann', own)).access_token).sub, 'ann')
  })

  it('has its user asked anew at an identity provider at which somebody else is signed in', async (test) => {
    const federation = await startFederation()
    test.after(() => federation.close())
    const { client: theirs, first } = federation
    const go = (browser: FormBrowser, extra = {}) =>
      browser.visit(theirs.authorizationUrl({ verifier, scope, extra }))
    const signIn = async (browser: FormBrowser, left: URL): Promise<URL | undefined> =>
      browser.visit(first.authorize(left).href)

    const ofAlice = new FormBrowser()
    const callback = (await signIn(ofAlice, (await go(ofAlice)) as URL)) as URL
    const code = callback.searchParams.get('code') ?? ''
    const { body } = await theirs.redeem({ code, verifier, callback })
    first.person = { ...alice, sub: 'bob' }
    const ofBob = new FormBrowser()
    assert.ok((await signIn(ofBob, await federation.leave(ofBob)))?.searchParams.get('code'))

    const own = { id_token_hint: String(body['id_token']) }
    const left = (await go(ofBob, own)) as URL
    assert.equal(left.searchParams.get('prompt'), 'login')
    assert.equal((await signIn(ofBob, left))?.searchParams.get('error'), 'login_required')
    first.person = alice
    assert.ok((await signIn(ofBob, (await go(ofBob, own)) as URL))?.searchParams.get('code'))
  })

  it('gets a code of that very one, who is not asked to sign in again', async () => {
    const browser = new FormBrowser({ fill: { name: 'ann' } })
    await client.signIn({ scope, extra: { id_token_hint: hint } }, browser)
    await client.signIn({ scope, extra: { id_token_hint: hint } }, browser)
    assert.equal(loginsOf(browser), 1)
  })
})
