import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Federation, startFederation, verifier } from '../support/federation.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { losingFetch } from '../support/losing-fetch.ts'
import { type MovableClock, movableClock } from '../support/movable-clock.ts'
import { challengeOf, OAuthClient } from '../support/oauth.ts'

const resumption = /^\/authorize\/[^/]+$/

describe('a person whose answer is lost with the process that gave it', () => {
  let clock: MovableClock
  let installation: Installation
  let client: OAuthClient
  before(async () => {
    clock = movableClock()
    installation = await startInstallation({ clock })
    client = new OAuthClient(installation.url)
  })
  after(() => installation.close())

  const push = async (): Promise<string> => {
    const { body } = await client.token(
      {
        client_id: client.clientId,
        redirect_uri: client.redirectUri,
        response_type: 'code',
        code_challenge: challengeOf(verifier),
        code_challenge_method: 'S256',
      },
      { path: '/par' },
    )
    const query = new URLSearchParams({
      client_id: client.clientId,
      request_uri: String(body['request_uri']),
    })
    return `${installation.url}/authorize?${query.toString()}`
  }

  for (const [what, path, which] of [
    ['the login', /\/login$/, 1],
    ['how it goes on after the login', resumption, 1],
    ['the consent', /\/consent$/, 1],
    ['the code', resumption, 2],
  ] as const) {
    it(`goes on when it was that to ${what}, without a second login (A72)`, async () => {
      const { send, lost } = losingFetch(path, { which })
      const browser = new FormBrowser({ send })
      const code = await client.authorize({ scope: 'mcp:tools:read' }, browser)
      assert.equal(lost(), 1)
      assert.equal((await client.redeem(code)).status, 200)
      assert.equal(browser.pages.filter(({ html }) => html.includes('name="name"')).length, 1)
    })
  }

  it('goes on when it was that to the code of a request that was pushed (A72)', async () => {
    const { send, lost } = losingFetch(resumption, { which: 2 })
    const callback = await new FormBrowser({ send }).visit(await push())
    assert.equal(lost(), 1)
    const code = callback?.searchParams.get('code') ?? ''
    const { status } = await client.redeem({ code, verifier, callback: callback as URL })
    assert.equal(status, 200, String(callback))
  })

  it('alone goes on with a request that was pushed, and nobody else who began with it (RFC 9126 section 7.3)', async () => {
    const url = await push()
    let fast: URL | undefined
    // Whoever is slow to sign in asks twice how it goes on as well, and was not first.
    const { send } = losingFetch(resumption, { which: 2 })
    const beforeSubmit = async (): Promise<void> => {
      fast ??= await new FormBrowser().visit(url)
    }
    const slow = await new FormBrowser({ send, beforeSubmit }).visit(url)
    assert.ok(fast?.searchParams.get('code'))
    assert.equal(slow?.searchParams.get('error'), 'invalid_request_uri')
  })

  it('does not go on after a minute, nor at another browser, and never at the page itself (A48)', async () => {
    for (const passed of [61_000, -61_000]) {
      const late = losingFetch(resumption, { meanwhile: () => clock.advance(passed) })
      const browser = new FormBrowser({ send: late.send })
      await browser.visit(client.authorizationUrl({ verifier }))
      assert.equal(browser.lastPage.status, 400, String(passed))
      assert.match(browser.lastPage.html, /Interaction session not found/)
    }

    const asked: string[] = []
    const watched = new FormBrowser({
      send: (target, init) => {
        asked.push(String(target))
        return fetch(target, init)
      },
    })
    await client.authorize({}, watched)
    const url = asked.find((one) => resumption.test(new URL(one).pathname)) ?? ''
    assert.equal((await new FormBrowser().open(url)).status, 400, 'another browser')
    assert.equal((await watched.open(url)).status, 400, 'the browser that had its answer')
    assert.equal((await watched.open(watched.pages[0]?.url ?? '')).status, 400, 'the page')
  })
})

describe('a person at an identity provider', () => {
  let federation: Federation
  before(async () => {
    federation = await startFederation()
  })
  after(() => federation.close())

  it('is sent there once more when what came of the visit is lost, and comes back signed in (A72, A65)', async () => {
    const { send, lost } = losingFetch(/\/login\/callback\/first$/, { which: 2 })
    const browser = new FormBrowser({ send })
    const first = federation.first.authorize(await federation.leave(browser))
    const away = (await browser.visit(first.href)) as URL
    assert.equal(lost(), 1)
    assert.equal(away.origin, new URL(federation.first.issuer).origin)
    const callback = federation.first.authorize(away)
    assert.notEqual(callback.searchParams.get('state'), first.searchParams.get('state'))
    const answer = await browser.visit(callback.href)
    const code = answer?.searchParams.get('code') ?? ''
    assert.equal((await federation.client.redeem({ code, verifier, callback })).status, 200)
    const codes = federation.first.tokenRequests.map((request) => request['code'])
    assert.equal(new Set(codes).size, codes.length, 'no code of the provider was redeemed twice')
    assert.equal((await browser.open(first.href)).status, 303)
    await browser.visit(first.href)
    assert.equal(browser.lastPage.status, 400, 'a visit that has ended is over')
  })
})
