import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { movableClock } from '../support/movable-clock.ts'
import { type AuthorizationRequest, OAuthClient } from '../support/oauth.ts'

const dayMilliseconds = 24 * 3600 * 1000
const clock = movableClock()
let installation: Installation
before(async () => {
  installation = await startInstallation({ clock })
})
after(() => installation.close())

/** Each has a name of its own: one description is one client. */
let registered = 0
const registerWebClient = (metadata: object = {}): Promise<OAuthClient> =>
  OAuthClient.register(installation.url, {
    client_name: `Web client ${++registered}`,
    redirect_uris: ['https://app.example/cb', 'https://other.example/cb'],
    ...metadata,
  })

/** How often a browser was asked for consent. */
const timesAsked = ({ pages }: FormBrowser): number =>
  pages.filter(({ html }) => html.includes('value="approve"')).length

/** Authorizes and says whether the user was asked. */
async function isAsked(
  client: OAuthClient,
  browser: FormBrowser,
  request: AuthorizationRequest = {},
): Promise<boolean> {
  const earlier = timesAsked(browser)
  await client.authorize(request, browser)
  return timesAsked(browser) > earlier
}

/** Where a redirect leads. */
const absolute = (headers: Headers): string => new URL(headers.get('location') ?? '', installation.url).href

describe('remembered consent', () => {
  it('spares a client on the web the same question, and gives each authorization a grant of its own (P12, X2)', async () => {
    const client = await registerWebClient()
    const browser = new FormBrowser()
    const scope = 'mcp:tools:read mcp:tools:execute'
    const first = await client.signIn({ scope }, browser)
    assert.equal(timesAsked(browser), 1)
    const second = await client.signIn({ scope }, browser)
    const less = await client.signIn({ scope: 'mcp:tools:read' }, browser)
    assert.equal(timesAsked(browser), 1)
    assert.equal(second.scope, scope)
    assert.equal(less.scope, 'mcp:tools:read', 'no more than was asked for')
    const names = [first, second, less].map(({ access_token: token }) => decodeJwt(token)['gid'])
    assert.equal(new Set(names).size, 3)
  })

  it('covers no other client, redirect host, user or further scope (X1, X5, A50, N18)', async () => {
    const client = await registerWebClient()
    const browser = new FormBrowser()
    const scope = 'mcp:tools:read'
    await client.authorize({ scope }, browser)
    assert.ok(!(await isAsked(client, browser, { scope })), 'the same')
    assert.ok(await isAsked(await registerWebClient(), browser, { scope }), 'another client')
    assert.ok(
      await isAsked(client, browser, { scope, redirectUri: 'https://other.example/cb' }),
      'another redirect host',
    )
    assert.ok(await isAsked(client, browser, { scope: `${scope} mcp:tools:execute` }), 'more')
    assert.ok(await isAsked(client, browser, { scope: `${scope} openid` }), 'the name of the user')
    assert.ok(!(await isAsked(client, browser, { scope: `${scope} mcp:tools:execute openid` })), 'all of it')
    assert.ok(await isAsked(client, browser, { scope: 'mcp:tools' }), 'the parent of it')
    assert.ok(await isAsked(client, new FormBrowser({ fill: { name: 'grace' } }), { scope }), 'another user')
  })

  it('covers no other server (X1, A50)', async () => {
    const upstreams = [
      { name: 'one', path: '/mcp', url: 'http://127.0.0.1:9/mcp' },
      { name: 'two', path: '/two/mcp', url: 'http://127.0.0.1:9/mcp' },
    ]
    const two = await startInstallation({ config: { upstreams } })
    const client = await OAuthClient.register(two.url, { redirect_uris: ['https://app.example/cb'] })
    const browser = new FormBrowser()
    await client.authorize({ resource: two.mcpUrl }, browser)
    assert.ok(!(await isAsked(client, browser, { resource: two.mcpUrl })), 'the same')
    assert.ok(await isAsked(client, browser, { resource: `${two.url}/two/mcp` }))
    await two.close()
  })

  it('ends when the client is described otherwise (R10, A50)', async () => {
    const described = { id: 'web', name: 'Web client', redirectUris: ['https://app.example/cb'] }
    const changing = await startInstallation({ config: { clients: [described] } })
    const client = new OAuthClient(changing.url, 'web', 'https://app.example/cb')
    const browser = new FormBrowser()
    await client.authorize({}, browser)
    for (const change of [
      { name: 'Web c1ient' },
      { redirectUris: ['https://app.example/cb', 'https://evil.example/cb'] },
      { secret: 'now it has one' },
    ]) {
      Object.assign(described, change)
      assert.ok(!(await isAsked(client, browser)))
      await changing.restart()
      assert.ok(await isAsked(client, browser), JSON.stringify(change))
    }
    await changing.close()
  })

  it('ends with time, and where the client asks for the question', async () => {
    const client = await registerWebClient()
    const browser = new FormBrowser()
    await client.authorize({}, browser)
    assert.ok(await isAsked(client, browser, { extra: { prompt: 'consent' } }))
    clock.advance(89 * dayMilliseconds)
    assert.ok(!(await isAsked(client, browser)))
    clock.advance(2 * dayMilliseconds)
    assert.ok(await isAsked(client, browser))
  })

  it('helps no client that an attacker registers in its image: the user is asked, and no code leaves (A64, X1, X2)', async () => {
    const good = await registerWebClient()
    const browser = new FormBrowser()
    await good.authorize({}, browser)
    assert.ok(!(await isAsked(good, browser)))
    const evil = await registerWebClient({ redirect_uris: ['https://evil.example/cb'] })
    const url = evil.authorizationUrl({ verifier: 'a'.repeat(43) })
    const page = await browser.open(absolute((await browser.open(url)).headers))
    assert.match(page.html, /goes to <strong>evil\.example<\/strong>/)
    const action = installation.url + (/action="([^"]*)"/.exec(page.html)?.[1] ?? '')
    const csrf = /name="csrf" value="([^"]*)"/.exec(page.html)?.[1] ?? ''
    const { headers } = await browser.open(action, { csrf, decision: 'deny' })
    const callback = await browser.visit(absolute(headers))
    assert.equal(callback?.searchParams.get('error'), 'access_denied')
    assert.equal(callback?.searchParams.has('code'), false)
    const borrowed = good.authorizationUrl({
      verifier: 'a'.repeat(43),
      redirectUri: 'https://evil.example/cb',
    })
    assert.equal(await browser.visit(borrowed), undefined, 'the good client has no such address')
    assert.ok(!(await isAsked(good, browser)), 'and what was agreed to stands')
  })

  it('ends with a refusal (P12)', async () => {
    const client = await registerWebClient()
    const browser = new FormBrowser()
    await client.authorize({}, browser)
    const url = client.authorizationUrl({ verifier: 'a'.repeat(43), extra: { prompt: 'consent' } })
    const page = await browser.open(absolute((await browser.open(url)).headers))
    const action = installation.url + (/action="([^"]*)"/.exec(page.html)?.[1] ?? '')
    const csrf = /name="csrf" value="([^"]*)"/.exec(page.html)?.[1] ?? ''
    const { headers } = await browser.open(action, { csrf, decision: 'deny' })
    const callback = await browser.visit(absolute(headers))
    assert.equal(callback?.searchParams.get('error'), 'access_denied')
    assert.ok(await isAsked(client, browser))
  })

  it('does not come from a refusal', async () => {
    const client = await registerWebClient()
    const browser = new FormBrowser({ decision: 'deny' })
    const url = client.authorizationUrl({ verifier: 'a'.repeat(43) })
    for (const _ of [1, 2]) {
      assert.equal((await browser.visit(url))?.searchParams.get('error'), 'access_denied')
    }
    assert.equal(timesAsked(browser), 2)
  })

  it('does not exist for programs that could be impersonated: any loopback address is enough (R11, A54)', async () => {
    for (const redirect_uris of [
      ['http://127.0.0.1/cb'],
      ['https://localhost/cb'],
      ['https://app.localhost/cb'],
      ['https://localhost./cb'],
      ['https://0.0.0.0/cb'],
      ['https://[::]/cb'],
      ['https://[::ffff:127.0.0.1]/cb'],
      ['https://app.example/cb', 'http://localhost/cb'],
    ]) {
      const client = await registerWebClient({ redirect_uris, application_type: undefined })
      const browser = new FormBrowser()
      await client.authorize({}, browser)
      assert.ok(await isAsked(client, browser), redirect_uris.join(' '))
    }
  })

  it('can be turned off, also for what was agreed to before', async () => {
    const consent = { rememberDays: 90 }
    const forgetful = await startInstallation({ config: { consent } })
    const client = await OAuthClient.register(forgetful.url, { redirect_uris: ['https://app.example/cb'] })
    const browser = new FormBrowser()
    await client.authorize({}, browser)
    assert.ok(!(await isAsked(client, browser)))
    consent.rememberDays = 0
    await forgetful.restart()
    for (const _ of [1, 2]) assert.ok(await isAsked(client, browser))
    await forgetful.close()
  })
})

describe('the session of a browser', () => {
  it('has a new identifier after each login, and keeps it while nobody logs in (A48)', async () => {
    const client = await registerWebClient()
    const browser = new FormBrowser()
    const name = `portcullis-${new URL(installation.url).port}`
    await client.authorize({}, browser)
    const first = browser.cookie(name)
    await client.authorize({}, browser)
    assert.equal(browser.cookie(name), first)
    clock.advance(2000)
    await client.authorize({ extra: { prompt: 'login' } }, browser)
    assert.ok(first !== undefined && browser.cookie(name) !== first)
  })
})

describe('a client that asks again and again', () => {
  for (const redirect_uris of [['http://127.0.0.1/cb'], ['https://app.example/cb']]) {
    it(`gets a code each time, five at once in one browser: ${redirect_uris[0]} (N33)`, async () => {
      const client = await registerWebClient({ redirect_uris })
      const browser = new FormBrowser()
      await client.authorize({}, browser)
      const issued = await Promise.all(Array.from({ length: 5 }, () => client.authorize({}, browser)))
      const answers = await Promise.all(issued.map((one) => client.redeem(one)))
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200, 200, 200, 200],
      )
      const refreshed = await Promise.all(answers.map(({ body }) => client.refresh(body.refresh_token)))
      assert.ok(refreshed.every(({ status }) => status === 200))
    })
  }
})
