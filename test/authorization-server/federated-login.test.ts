import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { alice, type Federation, startFederation, verifier } from '../support/federation.ts'
import { FormBrowser, type SeenPage } from '../support/form-browser.ts'
import { OAuthClient } from '../support/oauth.ts'
import { openPeople } from '../support/people.ts'
import { Visitor } from '../support/visitor.ts'

describe('logging in at an identity provider', () => {
  let federation: Federation
  before(async () => {
    federation = await startFederation()
  })
  afterEach(() => federation.mend())
  after(() => federation.close())

  const titleOf = (html: string): string | undefined => /<h1[^>]*>([^<]*)/.exec(html)?.[1]
  const problemOf = (html: string): string | undefined => /role="alert">([^<]*)</.exec(html)?.[1]

  it('gives tokens with an id of our own, and the groups and roles that the provider names (X1, R17)', async () => {
    federation.first.person = { ...alice, groups: ['staff', 'ops'], roles: ['admin'] }
    const browser = new FormBrowser()
    const { access_token: token } = await federation.signIn(browser)
    const { sub, groups, roles } = decodeJwt(token)
    assert.match(sub ?? '', /^usr_[\w-]{22}$/)
    assert.deepEqual([groups, roles], [['staff', 'ops'], ['admin']])
    assert.match(browser.lastPage.html, /You are signed in as <strong>Alice Liddell<\/strong>/)
    const [{ access_token: again }] = [await federation.signIn()]
    assert.equal(decodeJwt(again).sub, sub, 'the same person is the same user')
  })

  it('asks before it sends anybody to the provider: client, address, provider; no is an answer (A64, X3)', async () => {
    const registered = await OAuthClient.register(federation.installation.url, {
      client_name: 'Stranger',
      redirect_uris: ['https://attacker.example/callback'],
    })
    const browser = new FormBrowser({ decision: 'deny' })
    const back = await browser.visit(registered.authorizationUrl({ verifier }))
    const [page] = browser.pages
    assert.match(page?.html ?? '', /<strong>Stranger<\/strong> wants to connect/)
    assert.match(
      page?.html ?? '',
      /goes to <strong>attacker.example<\/strong> <code>https:\/\/attacker.example\/callback<\/code>/,
    )
    assert.match(page?.html ?? '', new RegExp(`at <strong>${new URL(federation.first.issuer).host}</strong>`))
    assert.equal(page?.headers.get('x-frame-options'), 'DENY')
    assert.equal(back?.origin, 'https://attacker.example')
    assert.equal(back.searchParams.get('error'), 'access_denied')
    assert.ok(![...browser.cookies.keys()].some((name) => name.includes('visit')), 'no state was set (X6)')
  })

  it('warns of a program on this computer in words that fit the buttons of the page (A64, A54)', async () => {
    const local = await OAuthClient.register(federation.installation.url, {
      redirect_uris: ['http://localhost:4321/callback'],
    })
    const browser = new FormBrowser({ decision: 'deny' })
    await browser.visit(local.authorizationUrl({ verifier }))
    const html = browser.pages[0]?.html ?? ''
    assert.match(html, /Any program here can use this name: go on only if/)
    assert.doesNotMatch(html, /approve/i)
  })

  it('asks for consent after the login even where the provider and we know the person (A64, A50)', async () => {
    const browser = new FormBrowser()
    await federation.signIn(browser)
    const registered = await OAuthClient.register(federation.installation.url, {
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
    const [one, two] = [
      (await federation.leave(browser)).searchParams,
      (await federation.leave(browser)).searchParams,
    ]
    for (const name of ['state', 'nonce', 'code_challenge']) {
      assert.ok((one.get(name)?.length ?? 0) >= 43, name)
      assert.notEqual(one.get(name), two.get(name), name)
    }
    assert.equal(one.get('code_challenge_method'), 'S256')
    assert.equal(one.get('redirect_uri'), `${federation.installation.url}/login/callback/first`)
    assert.equal(
      [...browser.cookies.keys()].filter((name) => name.includes('visit')).length,
      2,
      'each tab has its own',
    )
  })

  it('takes an answer from the browser alone that was sent, once, within ten minutes (A65)', async () => {
    const browser = new FormBrowser()
    const callback = federation.first.authorize(await federation.leave(browser))
    const stranger = new FormBrowser()
    await stranger.visit(callback.href)
    assert.equal(stranger.lastPage.status, 400, 'another browser')
    await federation.leave(stranger)
    await stranger.visit(callback.href)
    assert.equal(stranger.lastPage.status, 400, 'another browser with a visit of its own')
    const earlier = federation.first.tokenRequests.length
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
    await federation.leave(browser)
    const elsewhere = `${browser.lastPage.url}/login/callback/first${callback.search}`
    assert.equal((await browser.open(elsewhere)).status, 400, 'another request of the same browser')
    assert.equal(federation.first.tokenRequests.length, earlier, 'no code was redeemed')
    assert.ok(
      (await browser.visit(callback.href))?.searchParams.has('code'),
      'nothing of that has used it up',
    )
    await browser.visit(callback.href)
    assert.equal(browser.lastPage.status, 400, 'a second time')

    const late = new FormBrowser()
    const old = federation.first.authorize(await federation.leave(late))
    federation.clock.advance(601_000)
    await late.visit(old.href)
    assert.equal(late.lastPage.status, 400, 'too late')
  })

  it('signs nobody in at the browser of somebody else, with a callback that was not used (A65, A48)', async () => {
    const attacker = new FormBrowser()
    const away = await attacker.visit(`${federation.installation.url}/login?next=/account`)
    assert.ok(away)
    const callback = federation.first.authorize(away)
    const victim = new Visitor(federation.installation.url)
    assert.equal((await victim.get(callback.pathname + callback.search)).status, 400)
    assert.equal((await victim.get('/account')).status, 303, 'nobody is signed in')
    await attacker.visit(callback.href)
    assert.equal(
      (await attacker.open(`${federation.installation.url}/account`)).status,
      200,
      'its own browser',
    )
  })

  it('takes no answer into an authorization request of somebody else, or into none (A65, A48)', async () => {
    const attacker = new FormBrowser()
    const callback = federation.first.authorize(await federation.leave(attacker))
    const visitor = new Visitor(federation.installation.url)
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
    ['another issuer', () => ({ iss: federation.second.issuer })],
    ['an end in the past', () => ({ exp: 1 })],
    ['no subject', () => ({ sub: undefined })],
    ['a subject that is no text', () => ({ sub: 7 as unknown as string })],
  ] as const) {
    it(`does not take an ID token with ${what} (A65)`, async () => {
      federation.first.idToken = plant()
      const page = await federation.visitFirst()
      assert.equal(page.status, 422, page.html)
      assert.equal(problemOf(page.html), 'the company did not prove who you are.')
    })
  }

  it('does not take an ID token that another key signed, or none (A65)', async () => {
    federation.first.header = { kid: 'unknown' }
    assert.equal((await federation.visitFirst()).status, 503, 'its keys may be newer')
    federation.first.header = {}
    federation.first.answer = (_request, res) =>
      void res
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ access_token: 'x', token_type: 'Bearer' }))
    assert.equal((await federation.visitFirst()).status, 422)
  })

  it('does not take an answer with another issuer, or with a code beside an error (A65, P7)', async () => {
    for (const also of [{ iss: federation.second.issuer }, { error: 'access_denied' }]) {
      const earlier = federation.first.tokenRequests.length
      const page = await federation.visitFirst(also)
      assert.equal(page.status, 422, JSON.stringify(also))
      assert.equal(federation.first.tokenRequests.length, earlier, 'no code was redeemed')
    }
  })

  it('does not take an answer without the issuer that the provider announced (P7)', async () => {
    const announcing = await startFederation({}, {}, { authorization_response_iss_parameter_supported: true })
    try {
      assert.equal((await announcing.visitFirst()).status, 422)
      assert.equal(announcing.first.tokenRequests.length, 0, 'no code was redeemed')
      assert.notEqual((await announcing.visitFirst({ iss: announcing.first.issuer })).status, 422)
    } finally {
      await announcing.close()
    }
  })

  it('keeps users of two providers apart who have the same address, and the same subject (A66)', async () => {
    const one = decodeJwt((await federation.signIn()).access_token).sub
    const browser = new FormBrowser({ fill: {} })
    const page = await browser.open(federation.client.authorizationUrl({ verifier }))
    const form = await browser.open(
      new URL(page.headers.get('location') ?? '', federation.installation.url).href,
    )
    const csrf = /name="csrf" value="([^"]*)"/.exec(form.html)?.[1] ?? ''
    const action = /action="([^"]*)"/.exec(form.html)?.[1] ?? ''
    const away = await browser.open(federation.installation.url + action, { csrf, provider: 'second' })
    const callback = federation.second.authorize(new URL(away.headers.get('location') ?? ''))
    const answer = await browser.visit(callback.href)
    const { body } = await federation.client.redeem({
      code: answer?.searchParams.get('code') ?? '',
      verifier,
      callback,
    })
    assert.notEqual(decodeJwt(body.access_token).sub, one)
  })

  it('lets nobody in whom the rules refuse, and says no more than that (A66)', async () => {
    federation.first.person = { ...alice, sub: 'mallory', groups: ['staff', 'suspended'] }
    const page = await federation.visitFirst()
    assert.equal(problemOf(page.html), 'Your account at the company may not be used here.')
    const [entry] = (await federation.installation.audit())
      .filter(({ code }) => code === 'login_refused')
      .slice(-1)
    assert.equal(entry?.reason, 'first: mallory may not come in: the group suspended is refused')
    assert.equal(entry?.event, 'oauth.login')
  })

  it('says in words that the provider does not answer, and what the operator should know in the log', async () => {
    const browser = new FormBrowser()
    const callback = federation.first.authorize(await federation.leave(browser))
    federation.first.answer = (_request, res) => void res.writeHead(502).end()
    await browser.visit(callback.href)
    assert.equal(browser.lastPage.status, 503)
    assert.equal(titleOf(browser.lastPage.html), 'the company cannot be reached')
    const entry = (await federation.installation.audit()).find(({ code }) => code === 'provider_unavailable')
    assert.match(entry?.reason ?? '', /^first: /)
  })

  it('signs people in without a client, keeps nothing for them here, and signs them out', async () => {
    federation.first.person = { ...alice, sub: 'grace' }
    const browser = new FormBrowser()
    const away = await browser.visit(`${federation.installation.url}/login?next=/account`)
    await browser.visit(federation.first.authorize(away as URL).href)
    assert.match(browser.lastPage.html, /Alice Liddell|Your account/)
    const page = await browser.open(`${federation.installation.url}/account/password`)
    assert.equal(page.status, 404)
  })

  it('keeps out whom the operator has disabled, by their id (A58)', async () => {
    federation.first.person = { ...alice, sub: 'heidi' }
    const { access_token: token } = await federation.signIn()
    const people = await openPeople(federation.installation, federation.clock)
    const id = decodeJwt(token).sub ?? ''
    await people.disable(id)
    await assert.rejects(people.setPassword(id, 'four words of no meaning'), /has no password here/)
    await people.close()
    const refused = await federation.visitFirst()
    assert.equal(problemOf(refused.html), 'Your account has been disabled here.')
  })
})

describe('visits to identity providers, which are kept (A56)', () => {
  let federation: Federation
  before(async () => {
    federation = await startFederation({ limits: { authorizationsPerNetwork: 3 } })
  })
  after(() => federation.close())

  const field = (html: string, name: string): string => new RegExp(`${name}="([^"]*)"`).exec(html)?.[1] ?? ''
  /** Sends the form that leads from a page to the first provider. */
  const handOff = async (browser: FormBrowser, { html, url }: SeenPage): Promise<SeenPage> => {
    const [form = ''] = /<form [^>]*\/login\/provider.*?<\/form>/s.exec(html) ?? []
    const csrf = field(form, 'name="csrf" value')
    const action = new URL(field(form, 'action').replaceAll('&amp;', '&'), url)
    return browser.open(action.href, { csrf, provider: 'first' })
  }

  it('are so many for one network in a minute, from wherever they begin, also of who is sent there once more', async () => {
    const { installation, first, client } = federation
    const browser = new FormBrowser()
    const login = await browser.open(`${installation.url}/login`)
    const left = await handOff(browser, login)
    assert.equal(left.status, 303)
    const callback = first.authorize(new URL(left.headers.get('location') ?? ''))
    const visit = [...browser.cookies].find(([name]) => name.includes('visit'))
    assert.ok(visit)
    assert.match((await browser.open(callback.href)).headers.get('location') ?? '', /\/account$/)
    browser.keep(...visit)
    const again = await browser.open(callback.href)
    assert.ok(again.headers.get('location')?.startsWith(first.issuer), 'the second visit')
    assert.equal((await handOff(browser, login)).status, 303, 'the third')

    browser.keep(...visit)
    const stranger = new FormBrowser()
    const asked = await stranger.open(client.authorizationUrl({ verifier }))
    const page = await stranger.open(new URL(asked.headers.get('location') ?? '', installation.url).href)
    for (const refused of [
      await handOff(browser, login),
      await browser.open(callback.href),
      await handOff(stranger, page),
    ]) {
      assert.equal(refused.status, 429)
      assert.ok(Number(refused.headers.get('retry-after')) > 0)
      assert.match(refused.html, /Too many sign-ins are being started/)
      assert.match(refused.headers.get('content-security-policy') ?? '', /default-src 'none'/)
    }
    assert.equal((await stranger.open(page.url)).status, 200, 'the request waits')
  })
})
