import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { FormBrowser } from '../support/form-browser.ts'
import { providerSetting, startIdentityProvider, type TestProvider } from '../support/identity-provider.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { type MovableClock, movableClock } from '../support/movable-clock.ts'
import { OAuthClient } from '../support/oauth.ts'
import { openPeople } from '../support/people.ts'
import { Visitor } from '../support/visitor.ts'

const verifier = 'a-verifier-of-the-tests-with-enough-characters-in-it'

describe('logging in at an identity provider', () => {
  let clock: MovableClock
  let first: TestProvider
  let second: TestProvider
  let installation: Installation
  let client: OAuthClient
  const right = { sub: 'alice', name: 'Alice Liddell', email: 'alice@example.com', email_verified: true }
  before(async () => {
    clock = movableClock()
    first = await startIdentityProvider('first')
    second = await startIdentityProvider('second')
    installation = await startInstallation({
      clock,
      config: {
        login: {
          providers: [
            { ...providerSetting(first, 'first'), allow: { domains: [] }, deny: { groups: ['suspended'] } },
            providerSetting(second, 'second'),
          ],
        },
      },
    })
    client = new OAuthClient(installation.url)
  })
  afterEach(() => {
    for (const provider of [first, second]) {
      Object.assign(provider, {
        person: right,
        idToken: {},
        header: {},
        answer: undefined,
        metadata: {},
        givesRefreshTokens: true,
      })
    }
  })
  after(async () => {
    await installation.close()
    await first.close()
    await second.close()
  })

  /** Takes a browser to where it is sent to the provider. */
  const leave = async (browser: FormBrowser): Promise<URL> => {
    const url = await browser.visit(client.authorizationUrl({ verifier }))
    assert.ok(url?.href.startsWith(first.issuer), `the browser is at ${url?.href ?? browser.lastPage.html}`)
    return url as URL
  }

  /** Logs in, approves, and redeems the code. */
  const signIn = async (browser = new FormBrowser()) => {
    const callback = first.authorize(await leave(browser))
    const answer = await browser.visit(callback.href)
    const code = answer?.searchParams.get('code') ?? ''
    const { status, body } = await client.redeem({ code, verifier, callback: answer as URL })
    assert.equal(status, 200, JSON.stringify(body) + browser.lastPage.html)
    return body
  }

  /** Opens a callback, and the page of the authorization request that it leads to. */
  const comeBack = async (browser: FormBrowser, callback: URL) => {
    const { headers } = await browser.open(callback.href)
    return browser.open(new URL(headers.get('location') ?? '', callback).href)
  }

  const titleOf = (html: string): string | undefined => /<h1[^>]*>([^<]*)/.exec(html)?.[1]
  const problemOf = (html: string): string | undefined => /role="alert">([^<]*)</.exec(html)?.[1]

  it('gives tokens with an id of our own, and the groups and roles that the provider names (X1, R17)', async () => {
    first.person = { ...right, groups: ['staff', 'ops'], roles: ['admin'] }
    const browser = new FormBrowser()
    const { access_token: token } = await signIn(browser)
    const { sub, groups, roles } = decodeJwt(token)
    assert.match(sub ?? '', /^usr_[\w-]{22}$/)
    assert.deepEqual([groups, roles], [['staff', 'ops'], ['admin']])
    assert.match(browser.lastPage.html, /You are <strong>Alice Liddell<\/strong>/)
    const [{ access_token: again }] = [await signIn()]
    assert.equal(decodeJwt(again).sub, sub, 'the same person is the same user')
  })

  it('asks before it sends anybody to the provider: client, address, provider; no is an answer (A64, X3)', async () => {
    const registered = await OAuthClient.register(installation.url, {
      client_name: 'Stranger',
      redirect_uris: ['https://attacker.example/callback'],
    })
    const browser = new FormBrowser({ decision: 'deny' })
    const back = await browser.visit(registered.authorizationUrl({ verifier }))
    const [page] = browser.pages
    assert.match(page?.html ?? '', /<strong>Stranger<\/strong> wants to connect/)
    assert.match(page?.html ?? '', /goes to <strong>attacker.example<\/strong>/)
    assert.match(page?.html ?? '', new RegExp(`at <strong>${new URL(first.issuer).host}</strong>`))
    assert.equal(page?.headers.get('x-frame-options'), 'DENY')
    assert.equal(back?.origin, 'https://attacker.example')
    assert.equal(back.searchParams.get('error'), 'access_denied')
    assert.ok(![...browser.cookies.keys()].some((name) => name.includes('visit')), 'no state was set (X6)')
  })

  it('asks for consent after the login even where the provider and we know the person (A64, A50)', async () => {
    const browser = new FormBrowser()
    await signIn(browser)
    const registered = await OAuthClient.register(installation.url, {
      client_name: 'Stranger',
      redirect_uris: ['https://attacker.example/callback'],
    })
    await new FormBrowser().visit(registered.authorizationUrl({ verifier }))
    const seen = browser.pages.length
    await browser.visit(registered.authorizationUrl({ verifier }))
    assert.match(browser.pages[seen]?.html ?? '', /Let Stranger in\?/)
  })

  it('sends state, nonce and a challenge of its own each time, and the cookie with them (X6)', async () => {
    const browser = new FormBrowser()
    const [one, two] = [(await leave(browser)).searchParams, (await leave(browser)).searchParams]
    for (const name of ['state', 'nonce', 'code_challenge']) {
      assert.ok((one.get(name)?.length ?? 0) >= 43, name)
      assert.notEqual(one.get(name), two.get(name), name)
    }
    assert.equal(one.get('code_challenge_method'), 'S256')
    assert.equal(one.get('redirect_uri'), `${installation.url}/login/callback/first`)
    assert.equal(
      [...browser.cookies.keys()].filter((name) => name.includes('visit')).length,
      2,
      'each tab has its own',
    )
  })

  it('takes an answer from the browser alone that was sent, once, within ten minutes (A65)', async () => {
    const browser = new FormBrowser()
    const callback = first.authorize(await leave(browser))
    const stranger = new FormBrowser()
    await stranger.visit(callback.href)
    assert.equal(stranger.lastPage.status, 400, 'another browser')
    await leave(stranger)
    await stranger.visit(callback.href)
    assert.equal(stranger.lastPage.status, 400, 'another browser with a visit of its own')
    const before = first.tokenRequests.length
    for (const [name, value] of [
      ['state', 'made-up'],
      ['state', ''],
    ] as const) {
      const forged = new URL(callback)
      forged.searchParams.set(name, value)
      assert.equal((await browser.open(forged.href)).status, 400, `${name} ${value}`)
    }
    assert.equal((await browser.open(callback.href.replace('/first', '/second'))).status, 303)
    await browser.visit(callback.href.replace('/first', '/second'))
    assert.equal(browser.lastPage.status, 400, 'the callback of another provider')
    assert.equal(first.tokenRequests.length, before, 'no code was redeemed')
    assert.ok(
      (await browser.visit(callback.href))?.searchParams.has('code'),
      'nothing of that has used it up',
    )
    await browser.visit(callback.href)
    assert.equal(browser.lastPage.status, 400, 'a second time')

    const late = new FormBrowser()
    const old = first.authorize(await leave(late))
    clock.advance(601_000)
    await late.visit(old.href)
    assert.equal(late.lastPage.status, 400, 'too late')
  })

  it('takes no answer into an authorization request of somebody else, or into none (A65, A48)', async () => {
    const attacker = new FormBrowser()
    const callback = first.authorize(await leave(attacker))
    const visitor = new Visitor(installation.url)
    const { location, status } = await visitor.get(callback.pathname + callback.search)
    assert.equal(status, 303)
    assert.equal((await visitor.get(location ?? '')).status, 400)
    assert.equal((await visitor.get('/account')).status, 303, 'nobody is signed in')
  })

  for (const [what, plant] of [
    ['another nonce', () => ({ nonce: 'of somebody else' })],
    ['no nonce', () => ({ nonce: undefined })],
    ['another audience', () => ({ aud: 'another-client' })],
    ['several audiences of which we are not the party', () => ({ aud: ['portcullis', 'x'], azp: 'x' })],
    ['another issuer', () => ({ iss: second.issuer })],
    ['an end in the past', () => ({ exp: 1 })],
    ['no subject', () => ({ sub: undefined })],
    ['a subject that is no text', () => ({ sub: 7 as unknown as string })],
  ] as const) {
    it(`does not take an ID token with ${what} (A65)`, async () => {
      first.idToken = plant()
      const browser = new FormBrowser()
      const page = await comeBack(browser, first.authorize(await leave(browser)))
      assert.equal(page.status, 422, page.html)
      assert.equal(problemOf(page.html), 'the company did not prove who you are.')
    })
  }

  it('does not take an ID token that another key signed, or none (A65)', async () => {
    const browser = new FormBrowser()
    first.header = { kid: 'unknown' }
    const callback = first.authorize(await leave(browser))
    assert.equal((await comeBack(browser, callback)).status, 422)
    first.header = {}
    first.answer = (_request, res) =>
      void res
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ access_token: 'x', token_type: 'Bearer' }))
    assert.equal((await comeBack(browser, first.authorize(await leave(browser)))).status, 422)
  })

  it('does not take an answer with another issuer, or with a code beside an error (A65, P7)', async () => {
    for (const also of [{ iss: second.issuer }, { error: 'access_denied' }]) {
      const browser = new FormBrowser()
      const before = first.tokenRequests.length
      const page = await comeBack(browser, first.authorize(await leave(browser), also))
      assert.equal(page.status, 422, JSON.stringify(also))
      assert.equal(first.tokenRequests.length, before, 'no code was redeemed')
    }
  })

  it('keeps users of two providers apart who have the same address, and the same subject (A66)', async () => {
    const one = decodeJwt((await signIn()).access_token).sub
    const browser = new FormBrowser({ fill: {} })
    const page = await browser.open(client.authorizationUrl({ verifier }))
    const form = await browser.open(new URL(page.headers.get('location') ?? '', installation.url).href)
    const csrf = /name="csrf" value="([^"]*)"/.exec(form.html)?.[1] ?? ''
    const action = /action="([^"]*)"/.exec(form.html)?.[1] ?? ''
    const away = await browser.open(installation.url + action, { csrf, provider: 'second' })
    const callback = second.authorize(new URL(away.headers.get('location') ?? ''))
    const answer = await browser.visit(callback.href)
    const { body } = await client.redeem({
      code: answer?.searchParams.get('code') ?? '',
      verifier,
      callback,
    })
    assert.notEqual(decodeJwt(body.access_token).sub, one)
  })

  it('lets nobody in whom the rules refuse, and says no more than that (A66)', async () => {
    first.person = { ...right, sub: 'mallory', groups: ['staff', 'suspended'] }
    const browser = new FormBrowser()
    const page = await comeBack(browser, first.authorize(await leave(browser)))
    assert.equal(problemOf(page.html), 'Your account at the company may not be used here.')
    const [entry] = (await installation.audit()).filter(({ code }) => code === 'login_refused').slice(-1)
    assert.equal(entry?.reason, 'first: mallory may not come in: the group suspended is refused')
    assert.equal(entry?.step, 'login')
  })

  it('asks the provider at the refresh whether it still vouches, and no more often than that (A67, X7)', async () => {
    first.person = { ...right, sub: 'bob', groups: ['staff'] }
    let { refresh_token: token } = await signIn()
    const refresh = async () => {
      const answer = await client.refresh(token)
      token = answer.body.refresh_token ?? token
      return answer
    }
    const asked = (): number =>
      first.tokenRequests.filter(({ grant_type: type }) => type === 'refresh_token').length
    const before = asked()
    assert.equal((await refresh()).status, 200)
    assert.equal(asked(), before, 'the login was just now')
    clock.advance(301_000)
    first.person = { ...right, sub: 'bob', groups: ['ops'] }
    assert.equal((await refresh()).status, 200)
    assert.equal((await refresh()).status, 200)
    assert.equal(asked(), before + 1)
    const { body } = await refresh()
    assert.deepEqual(decodeJwt(body.access_token)['groups'], ['ops'], 'what it says now')
    assert.ok(!installation.log().includes('first-refresh-'), 'the log has no token of the provider')
  })

  it('ends everything of a user when the provider takes its word back (A67)', async () => {
    first.person = { ...right, sub: 'carol' }
    const browser = new FormBrowser()
    const { refresh_token: token } = await signIn(browser)
    first.revoke()
    const {
      body: { refresh_token: next, access_token: access },
    } = await client.refresh(token)
    clock.advance(301_000)
    const { status, body } = await client.refresh(next)
    assert.deepEqual([status, body.error], [400, 'invalid_grant'])
    const answer = await fetch(installation.mcpUrl, {
      method: 'POST',
      headers: { authorization: `Bearer ${access}` },
    })
    assert.equal(answer.status, 401, 'the access token has ended')
    const page = await browser.open(`${installation.url}/account`)
    assert.equal(page.status, 303, 'the session has ended')
  })

  it('ends everything when what the provider says now is refused, or is about somebody else (A67)', async () => {
    for (const now of [{ groups: ['suspended'] }, { sub: 'somebody-else' }]) {
      first.person = { ...right, sub: 'dave' }
      const { refresh_token: token } = await signIn()
      clock.advance(301_000)
      first.person = { ...right, sub: 'dave', ...now }
      assert.equal((await client.refresh(token)).body.error, 'invalid_grant', JSON.stringify(now))
    }
  })

  it('goes on for a while when the provider does not answer, and then refuses without ending anything (A67)', async () => {
    first.person = { ...right, sub: 'erin' }
    let { refresh_token: token } = await signIn()
    first.answer = (_request, res) => void res.writeHead(500).end()
    clock.advance(301_000)
    const during = await client.refresh(token)
    assert.equal(during.status, 200)
    token = during.body.refresh_token
    clock.advance(601_000)
    const { status, body } = await client.refresh(token)
    assert.deepEqual([status, body.error], [503, 'temporarily_unavailable'])
    first.answer = undefined
    clock.advance(11_000)
    assert.equal((await client.refresh(token)).status, 200, 'it answers again')
  })

  it('lets a login count for a day where the provider gives nothing to ask it by (A67)', async () => {
    first.person = { ...right, sub: 'frank' }
    first.givesRefreshTokens = false
    const { refresh_token: token } = await signIn()
    clock.advance(80_000_000)
    const { status, body } = await client.refresh(token)
    assert.equal(status, 200)
    clock.advance(10_000_000)
    assert.equal((await client.refresh(body.refresh_token)).body.error, 'invalid_grant')
  })

  it('says in words that the provider does not answer, and what the operator should know in the log', async () => {
    const browser = new FormBrowser()
    const callback = first.authorize(await leave(browser))
    first.answer = (_request, res) => void res.writeHead(502).end()
    await browser.visit(callback.href)
    assert.equal(browser.lastPage.status, 503)
    assert.equal(titleOf(browser.lastPage.html), 'the company cannot be reached')
    const [entry] = (await installation.audit()).filter(({ code }) => code === 'provider_unavailable')
    assert.match(entry?.reason ?? '', /^first: /)
  })

  it('signs people in without a client, keeps nothing for them here, and signs them out', async () => {
    first.person = { ...right, sub: 'grace' }
    const browser = new FormBrowser()
    const away = await browser.visit(`${installation.url}/login?next=/account`)
    await browser.visit(first.authorize(away as URL).href)
    assert.match(browser.lastPage.html, /Alice Liddell|Your account/)
    const page = await browser.open(`${installation.url}/account/password`)
    assert.equal(page.status, 404)
  })

  it('keeps out whom the operator has disabled, by their id (A58)', async () => {
    first.person = { ...right, sub: 'heidi' }
    const { access_token: token } = await signIn()
    const people = await openPeople(installation, clock)
    const id = decodeJwt(token).sub ?? ''
    await people.disable(id)
    await assert.rejects(people.setPassword(id, 'four words of no meaning'), /has no password here/)
    await people.close()
    const browser = new FormBrowser()
    const refused = await comeBack(browser, first.authorize(await leave(browser)))
    assert.equal(problemOf(refused.html), 'Your account has been disabled here.')
  })
})
