import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation, testClients } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { goodPassword, openPeople } from '../support/people.ts'
import { actionOf, csrfOf, Visitor } from '../support/visitor.ts'

const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code'
const base = '/team/gate'

describe('a public URL with a path (N30, AM4)', () => {
  let installation: Installation
  let origin: string
  let client: OAuthClient
  before(async () => {
    installation = await startInstallation({
      host: 'localhost',
      basePath: base,
      config: {
        login: { users: 'local' },
        grants: { deviceCode: 'on' },
        clients: [...testClients, { id: 'television', grantTypes: [deviceCode, 'refresh_token'] }],
        upstreams: [
          { name: 'files', path: '/mcp', url: 'http://127.0.0.1:9/mcp', breaker: { failures: 0 } },
          { name: 'git', path: '/git/mcp', url: 'http://127.0.0.1:9/mcp', breaker: { failures: 0 } },
        ],
      },
    })
    ;({ origin } = new URL(installation.url))
    client = new OAuthClient(installation.url)
    const people = await openPeople(installation)
    await people.add({ name: 'ada', password: goodPassword })
    await people.close()
  })
  after(() => installation.close())

  const person = (): FormBrowser => new FormBrowser({ fill: { name: 'ada', password: goodPassword } })
  const read = async (path: string): Promise<Record<string, unknown>> => {
    const response = await fetch(origin + path)
    assert.equal(response.status, 200, path)
    return (await response.json()) as Record<string, unknown>
  }

  it('has the metadata of the issuer in every form in which clients look for it (AM3, AM4, AM5)', async () => {
    const document = await read(`/.well-known/oauth-authorization-server${base}`)
    assert.equal(document['issuer'], origin + base)
    for (const path of [
      `/.well-known/openid-configuration${base}`,
      `${base}/.well-known/openid-configuration`,
      `${base}/.well-known/oauth-authorization-server`,
      `/.well-known/oauth-authorization-server${base}/git/mcp`,
      `${base}/mcp/.well-known/openid-configuration`,
    ])
      assert.deepEqual(await read(path), document, path)
    for (const [name, value] of Object.entries(document)) {
      if (name.endsWith('_endpoint') || name === 'jwks_uri')
        assert.ok(String(value).startsWith(`${origin}${base}/`), `${name} ${String(value)}`)
    }
    assert.ok(Array.isArray((await read(`${base}/jwks`))['keys']))
    assert.ok(Array.isArray((await read(`${base}/gateway/jwks`))['keys']))
  })

  it('has resource metadata of each server, to which challenges lead (D2, D3, D5, N1)', async () => {
    for (const path of ['/mcp', '/git/mcp']) {
      const resource = origin + base + path
      for (const where of [
        `/.well-known/oauth-protected-resource${base}${path}`,
        `${base}${path}/.well-known/oauth-protected-resource`,
      ]) {
        const document = await read(where)
        assert.equal(document['resource'], resource)
        assert.deepEqual(document['authorization_servers'], [origin + base])
      }
      const challenge = (await fetch(resource, { method: 'POST' })).headers.get('www-authenticate') ?? ''
      const named = `resource_metadata="${origin}/.well-known/oauth-protected-resource${base}${path}"`
      assert.ok(challenge.includes(named), challenge)
    }
    const whole = await read(`/.well-known/oauth-protected-resource${base}`)
    assert.equal(whole['resource'], origin + base)
  })

  it('leaves the rest of its host to others, and says in the log what it is not for (N2, N30)', async () => {
    for (const path of [
      '/',
      '/mcp',
      '/authorize',
      '/login',
      '/team',
      '/team/gate2/mcp',
      '/.well-known/oauth-authorization-server',
      '/.well-known/openid-configuration',
      '/.well-known/oauth-protected-resource',
      '/.well-known/oauth-protected-resource/mcp',
    ]) {
      const response = await fetch(origin + path)
      assert.equal(response.status, 404, path)
      const { error } = (await response.json()) as { error: { message: string; data: { code: string } } }
      assert.equal(error.data.code, 'path_outside')
      assert.match(error.message, /not under the public URL: everything here begins with \/team\/gate\//)
    }
    assert.match(installation.log(), /path_outside/)
  })

  it('is where every link, form, redirect, style and cookie of a page leads (X4)', async () => {
    const visitor = new Visitor(origin)
    const seen: string[] = []
    const at = async (path: string, status = 200): Promise<string> => {
      const answer = await visitor.get(base + path)
      assert.equal(answer.status, status, path)
      const links = [...answer.html.matchAll(/ (?:href|src|action)="([^"]*)"/g)].map(([, to = '']) => to)
      for (const to of links)
        assert.ok(to.startsWith(`${base}/`) || to.startsWith(`${origin}${base}/`), `${path}: ${to}`)
      seen.push(...links)
      return answer.html
    }
    await at('')
    await at('/')
    await at('/logout')
    await at('/nothing', 404)
    await at('/setup/nothing', 400)
    await at('/device')
    assert.equal(
      (await visitor.get(`${base}/account/passkeys`)).location,
      `${base}/login?next=%2Faccount%2Fpasskeys`,
    )
    const login = await at('/login?next=/account/passkeys')
    const entered = await visitor.post(actionOf(login), {
      csrf: csrfOf(login),
      name: 'ada',
      password: goodPassword,
    })
    assert.equal(entered.location, `${base}/account/passkeys`)
    await at('/account/passkeys')
    await at('/account/password')
    const account = await at('/account')
    assert.match(account, /No program can act for you/)
    for (const asset of new Set(seen.filter((to) => to.includes('/assets/')))) {
      const { status } = await visitor.get(asset)
      assert.equal(status, 200, asset)
    }
    assert.ok(seen.some((to) => to.endsWith('.css')) && seen.some((to) => to.endsWith('.js')))
    assert.equal((await visitor.get(`${base}/favicon.ico`)).status, 200)
    const out = await visitor.submit(`${base}/logout`, {})
    assert.equal(out.location, `${base}/logout`)
    assert.equal((await visitor.get(`${base}/account`)).location, `${base}/login?next=%2Faccount`)
  })

  it('is where people sign in, consent and take it back, and what its tokens are from (P14)', async () => {
    const browser = person()
    const resource = `${origin}${base}/git/mcp`
    const { callback, ...code } = await client.authorize({ scope: 'mcp:tools', resource }, browser)
    assert.equal(callback.searchParams.get('iss'), origin + base)
    const pages = browser.pages.map(({ url }) => new URL(url).pathname)
    assert.ok(
      pages.every((path) => path.startsWith(`${base}/interaction/`)),
      pages.join(),
    )
    const { status, body } = await client.redeem({ callback, ...code })
    assert.equal(status, 200)
    const call = (token: string, path: string): Promise<Response> =>
      fetch(origin + base + path, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }),
      })
    assert.equal((await call(body.access_token, '/git/mcp')).status, 502, 'let pass')
    assert.equal((await call(body.access_token, '/mcp')).status, 401, 'a token for another server')
    assert.equal((await client.refresh(body.refresh_token)).status, 200)

    const { html } = await browser.open(`${origin}${base}/account`)
    assert.match(html, /Test client/)
    const csrf = csrfOf(html)
    const taken = await browser.open(origin + actionOf(html), { csrf, client_id: 'user-client' })
    assert.equal(taken.headers.get('location'), `${base}/account`)
    assert.equal((await client.refresh(body.refresh_token)).body.error, 'invalid_grant')

    const steps = (await installation.audit()).filter(({ path }) => path?.startsWith(base))
    for (const step of ['authorization', 'login', 'consent', 'grant', 'token', 'revocation'])
      assert.ok(
        steps.some(({ event }) => event === `oauth.${step}`),
        step,
      )
  })

  it('is where a refusal is shown that comes before the login (A45)', async () => {
    const url = client.authorizationUrl({ verifier: 'v'.repeat(43), extra: { response_type: 'token' } })
    const browser = new FormBrowser()
    const { status, html, headers } = await browser.open(url)
    assert.equal(status, 400)
    assert.equal(headers.get('location'), null)
    assert.match(html, new RegExp(`href="${base}/assets/`))
  })

  it('is where a device sends its user (RFC 8628)', async () => {
    const { body } = await client.token(
      { client_id: 'television', resource: `${origin}${base}/mcp` },
      { path: '/device_authorization' },
    )
    const { verification_uri: uri = '', user_code: code = '', device_code: device = '' } = body
    assert.equal(uri, `${origin}${base}/device`)
    const browser = new FormBrowser({ fill: { name: 'ada', password: goodPassword, user_code: code } })
    await browser.visit(uri)
    assert.match(browser.lastPage.html, /is connected/)
    const polled = await client.token({
      grant_type: deviceCode,
      device_code: device,
      client_id: 'television',
    })
    assert.equal(polled.status, 200)
  })
})
