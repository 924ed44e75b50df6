import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { alice, type Federation, startFederation, verifier } from '../support/federation.ts'
import { FormBrowser } from '../support/form-browser.ts'

describe('what an identity provider vouched for', () => {
  let federation: Federation
  before(async () => {
    federation = await startFederation()
  })
  afterEach(() => federation.mend())
  after(() => federation.close())

  it('asks the provider at the refresh whether it still vouches, and no more often than that (A67, X7)', async () => {
    federation.first.person = { ...alice, sub: 'bob', groups: ['staff'] }
    let { refresh_token: token } = await federation.signIn()
    const refresh = async () => {
      const answer = await federation.client.refresh(token)
      token = answer.body.refresh_token ?? token
      return answer
    }
    const asked = (): number =>
      federation.first.tokenRequests.filter(({ grant_type: type }) => type === 'refresh_token').length
    const earlier = asked()
    assert.equal((await refresh()).status, 200)
    assert.equal(asked(), earlier, 'the login was just now')
    federation.clock.advance(301_000)
    federation.first.person = { ...alice, sub: 'bob', groups: ['ops'] }
    for (let time = 0; time < 3; time++) {
      const { body } = await refresh()
      assert.deepEqual(decodeJwt(body.access_token)['groups'], ['ops'], 'what it says now')
    }
    assert.equal(asked(), earlier + 1)
    assert.ok(
      !federation.installation.log().includes('first-refresh-'),
      'the log has no token of the provider',
    )
  })

  it('ends everything of a user when the provider takes its word back (A67)', async () => {
    federation.first.person = { ...alice, sub: 'carol' }
    const browser = new FormBrowser()
    const { refresh_token: token } = await federation.signIn(browser)
    federation.first.revoke()
    const {
      body: { refresh_token: next, access_token: access },
    } = await federation.client.refresh(token)
    federation.clock.advance(301_000)
    const { status, body } = await federation.client.refresh(next)
    assert.deepEqual([status, body.error], [400, 'invalid_grant'])
    const answer = await fetch(federation.installation.mcpUrl, {
      method: 'POST',
      headers: { authorization: `Bearer ${access}` },
    })
    assert.equal(answer.status, 401, 'the access token has ended')
    const page = await browser.open(`${federation.installation.url}/account`)
    assert.equal(page.status, 303, 'the session has ended')
    assert.match(
      federation.installation.log(),
      /the identity provider first no longer vouches for usr_[\w-]+, whose access has ended: .*invalid_grant/,
    )
    assert.ok(!federation.installation.log().includes('first-refresh-'))
  })

  it('is asked about somebody who comes back, and who does not have to sign in again where it still vouches (A67)', async () => {
    federation.first.person = { ...alice, sub: 'fay' }
    const browser = new FormBrowser()
    await federation.signIn(browser)
    const earlier = federation.first.tokenRequests.length
    federation.clock.advance(301_000)
    const answer = await browser.visit(federation.client.authorizationUrl({ verifier }))
    assert.ok(answer?.searchParams.has('code'), answer?.href ?? browser.lastPage.html)
    assert.equal(federation.first.tokenRequests.length, earlier + 1)
  })

  it('asks nobody to take its word for it: a session or login of before counts no more (A67, X7)', async () => {
    federation.first.person = { ...alice, sub: 'eve' }
    const [browser, parked] = [new FormBrowser(), new FormBrowser()]
    await federation.signIn(browser)
    const callback = federation.first.authorize(await federation.leave(parked))
    const { headers } = await federation.comeBack(parked, callback)
    const resumption = new URL(headers.get('location') ?? '', callback).href
    federation.clock.advance(301_000)
    federation.first.revoke()
    // The first one hears of it; whoever loads the page once more is sent to the provider as well.
    for (const once of ['asked', 'asked again']) {
      const away = await browser.visit(federation.client.authorizationUrl({ verifier }))
      assert.ok(
        away?.href.startsWith(federation.first.issuer),
        `${once}: ${away?.href ?? browser.lastPage.html}`,
      )
    }
    const away = await parked.visit(resumption)
    assert.ok(away?.href.startsWith(federation.first.issuer), `a login of before: ${away?.href}`)
    assert.equal((await parked.open(`${federation.installation.url}/account`)).status, 303)
    federation.clock.advance(1000)
    assert.ok((await federation.signIn(browser)).access_token, 'until the provider vouches anew')
  })

  it('ends everything when what the provider says now is refused, or is about somebody else (A67)', async () => {
    for (const now of [{ groups: ['suspended'] }, { sub: 'somebody-else' }]) {
      federation.first.person = { ...alice, sub: 'dave' }
      const { refresh_token: token } = await federation.signIn()
      federation.clock.advance(301_000)
      federation.first.person = { ...alice, sub: 'dave', ...now }
      assert.equal((await federation.client.refresh(token)).body.error, 'invalid_grant', JSON.stringify(now))
    }
  })

  it('goes on for a while when the provider does not answer, and then refuses without ending anything (A67)', async () => {
    federation.first.person = { ...alice, sub: 'erin' }
    let { refresh_token: token } = await federation.signIn()
    federation.first.answer = (_request, res) => void res.writeHead(500).end()
    federation.clock.advance(301_000)
    const during = await federation.client.refresh(token)
    assert.equal(during.status, 200)
    token = during.body.refresh_token
    federation.clock.advance(601_000)
    const { status, body } = await federation.client.refresh(token)
    assert.deepEqual([status, body.error], [503, 'temporarily_unavailable'])
    federation.first.answer = undefined
    federation.clock.advance(11_000)
    assert.equal((await federation.client.refresh(token)).status, 200, 'it answers again')
  })

  it('lets a login count for a day where the provider gives nothing to ask it by (A67)', async () => {
    federation.first.person = { ...alice, sub: 'frank' }
    federation.first.givesRefreshTokens = false
    const { refresh_token: token } = await federation.signIn()
    federation.clock.advance(80_000_000)
    const { status, body } = await federation.client.refresh(token)
    assert.equal(status, 200)
    federation.clock.advance(10_000_000)
    assert.equal((await federation.client.refresh(body.refresh_token)).body.error, 'invalid_grant')
  })
})

describe('a login that its provider gave nothing to ask by', () => {
  it('ends what it gave when it counts no more (A67, X7)', async (test) => {
    const federation = await startFederation()
    test.after(() => federation.close())
    const [first] = federation.setting
    if (first !== undefined) Object.assign(first, { unconfirmedSeconds: 600 })
    await federation.installation.restart()
    federation.first.person = { ...alice, sub: 'grace' }
    federation.first.givesRefreshTokens = false
    const { access_token: access, refresh_token: token } = await federation.signIn()
    const call = async (): Promise<number> => {
      const headers = { authorization: `Bearer ${access}` }
      return (await fetch(federation.installation.mcpUrl, { method: 'POST', headers })).status
    }
    federation.clock.advance(601_000)
    assert.notEqual(await call(), 401)
    assert.equal((await federation.client.refresh(token)).body.error, 'invalid_grant')
    assert.equal(await call(), 401, 'the access token ends with its grant')
  })
})

describe('a provider that falls silent between a refresh and its userinfo', () => {
  it('is asked again with the refresh token that it gave, so that nobody loses their access by it (A67)', async (test) => {
    const federation = await startFederation()
    test.after(() => federation.close())
    const [first] = federation.setting
    if (first !== undefined) Object.assign(first, { userinfo: true })
    federation.first.userinfo = { sub: 'alice' }
    await federation.installation.restart()
    const { refresh_token: token } = await federation.signIn()
    federation.clock.advance(301_000)
    federation.first.userinfoFails = 503
    const during = await federation.client.refresh(token)
    assert.equal(during.status, 200)
    federation.first.userinfoFails = undefined
    federation.clock.advance(11_000)
    const later = await federation.client.refresh(during.body.refresh_token)
    assert.equal(later.status, 200, 'it answers again')
    federation.first.revoke()
    federation.clock.advance(301_000)
    assert.equal((await federation.client.refresh(later.body.refresh_token)).body.error, 'invalid_grant')
  })
})
