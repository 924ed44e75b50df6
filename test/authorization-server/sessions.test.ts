import assert from 'node:assert/strict'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { after, before, describe, it, mock } from 'node:test'
import { sessionSeconds } from '../../src/authorization-server/session.ts'
import type { People } from '../../src/identity/people.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { goodPassword, openPeople } from '../support/people.ts'
import { actionOf, csrfOf, Visitor } from '../support/visitor.ts'

const day = 24 * 3600

let installation: Installation
let people: People & { close: () => Promise<void> }
before(async () => {
  installation = await startInstallation({
    config: { login: { users: 'local', idleSeconds: 10 * day, sessionSeconds: 15 * day } },
  })
  people = await openPeople(installation)
  for (const name of ['ada', 'grace']) await people.add({ name, password: goodPassword })
})
after(async () => {
  await people.close()
  await installation.close()
})

const sessionName = (): string => `portcullis-${new URL(installation.url).port}`
const signIn = async (name: string, visitor = new Visitor(installation.url)): Promise<Visitor> => {
  const answer = await visitor.submit('/login?again', { name, password: goodPassword })
  assert.equal(answer.status, 303)
  return visitor
}
const whoIs = async (visitor: Visitor): Promise<string | undefined> =>
  /You are signed in as <strong>([^<]*)</.exec((await visitor.get('/logout')).html)?.[1]

describe('a session', () => {
  it('gets a new id at every login, and the old one opens nothing', async () => {
    const visitor = await signIn('ada')
    const cookies = new Map(visitor.cookies)
    await signIn('ada', visitor)
    assert.notEqual(visitor.cookies.get(sessionName()), cookies.get(sessionName()))
    const old = new Visitor(installation.url)
    for (const [name, value] of cookies) old.cookies.set(name, value)
    assert.equal(await whoIs(old), undefined)
    assert.equal(await whoIs(visitor), 'ada')
  })

  it('gets a new id at a login for a client as well', async () => {
    const visitor = await signIn('ada')
    const planted = visitor.cookies.get(sessionName())
    // Two logins of one second would be one to who compares their times.
    await new Promise((resolve) => setTimeout(resolve, 1100))
    const client = new OAuthClient(installation.url)
    const url = client.authorizationUrl({ verifier: 'a'.repeat(43), extra: { prompt: 'login' } })
    const page = await visitor.get((await visitor.get(url)).location ?? '')
    const fields = { csrf: csrfOf(page.html), name: 'ada', password: goodPassword }
    const resumed = await visitor.post(actionOf(page.html), fields)
    await visitor.get(resumed.location ?? '')
    assert.notEqual(visitor.cookies.get(sessionName()), planted)
    assert.equal(await whoIs(visitor), 'ada')
  })

  it('changes hands when somebody else signs in for a client', async () => {
    const visitor = await signIn('ada')
    const cookies = new Map(visitor.cookies)
    const client = new OAuthClient(installation.url)
    const url = client.authorizationUrl({ verifier: 'a'.repeat(43), extra: { prompt: 'login' } })
    const page = await visitor.get((await visitor.get(url)).location ?? '')
    const fields = { csrf: csrfOf(page.html), name: 'grace', password: goodPassword }
    const resumed = await visitor.post(actionOf(page.html), fields)
    const consent = await visitor.get((await visitor.get(resumed.location ?? '')).location ?? '')
    assert.match(consent.html, /You are signed in as <strong>grace<\/strong>.*Approve/s)
    const old = new Visitor(installation.url)
    for (const [name, value] of cookies) old.cookies.set(name, value)
    assert.equal(await whoIs(old), undefined)
  })

  it('serves clients and pages alike', async () => {
    const visitor = await signIn('grace')
    const browser = new FormBrowser({ fill: { name: 'nobody', password: 'nothing' } })
    for (const [name, value] of visitor.cookies) browser.keep(name, value)
    await new OAuthClient(installation.url).authorize({}, browser)
    assert.equal(browser.pages.length, 1, 'consent, no login')
  })

  it('cannot be made up', async () => {
    const visitor = await signIn('ada')
    const forged = new Visitor(installation.url)
    forged.cookies.set(sessionName(), visitor.cookies.get(sessionName()) ?? '')
    assert.equal(await whoIs(forged), undefined, 'without the signature')
    forged.cookies.set(`${sessionName()}.sig`, 'x'.repeat(27))
    assert.equal(await whoIs(forged), undefined)
  })

  it('ends when nobody came for a while, and in the end however often somebody comes', async () => {
    mock.timers.enable({ apis: ['Date'], now: Date.now() })
    try {
      const idle = await signIn('ada')
      const busy = await signIn('ada')
      const url = new OAuthClient(installation.url).authorizationUrl({ verifier: 'a'.repeat(43) })
      mock.timers.setTime(Date.now() + 9 * day * 1000)
      await busy.get(url)
      mock.timers.setTime(Date.now() + 2 * day * 1000)
      assert.equal(await whoIs(idle), undefined, 'ten days without a visit')
      assert.equal(await whoIs(busy), 'ada')
      await busy.get(url)
      mock.timers.setTime(Date.now() + 4.5 * day * 1000)
      assert.equal(await whoIs(busy), undefined, 'fifteen days after the login')
    } finally {
      mock.timers.reset()
    }
  })
})

describe('the time that a session has left', () => {
  it('is a second at least, also of one that ends at this moment', () => {
    const clock = { now: () => 100_000 }
    const left = (loginTs: number): number =>
      sessionSeconds({ sessions: { idleSeconds: 10, sessionSeconds: 50 }, clock }, loginTs)
    assert.deepEqual([left(100), left(55), left(50), left(40)], [10, 5, 1, 1])
  })
})

describe('behind TLS', () => {
  it('every cookie is of this host alone, and secure', async (test) => {
    const publicUrl = 'https://mcp.example.com'
    const served = await startInstallation({ config: { mode: 'production', publicUrl } })
    const own = await openPeople(served)
    test.after(async () => {
      await own.close()
      await served.close()
    })
    await own.add({ name: 'ada', password: goodPassword })
    const ask = (path: string, cookies: string[] = [], body?: string) =>
      new Promise<{ cookies: string[]; status: number; html: string }>((resolve, reject) => {
        const headers = {
          host: 'mcp.example.com',
          cookie: cookies.map((cookie) => cookie.split(';')[0]).join('; '),
          ...(body === undefined
            ? {}
            : { 'content-type': 'application/x-www-form-urlencoded', origin: publicUrl }),
        }
        const url = new URL(path, served.authorizationServerUrl)
        request(url, { method: body === undefined ? 'GET' : 'POST', headers }, (response) => {
          const { headers: answer, statusCode: status = 0 } = response
          void text(response).then((html) => resolve({ cookies: answer['set-cookie'] ?? [], status, html }))
        })
          .on('error', reject)
          .end(body)
      })
    const page = await ask('/login')
    const form = new URLSearchParams({ csrf: csrfOf(page.html), name: 'ada', password: goodPassword })
    const entered = await ask('/login', page.cookies, form.toString())
    assert.equal(entered.status, 303)
    const names = [...page.cookies, ...entered.cookies].map((cookie) => cookie.split('=')[0])
    assert.deepEqual(
      new Set(names),
      new Set([
        '__Host-portcullis',
        '__Host-portcullis-form',
        '__Host-portcullis-form.sig',
        '__Host-portcullis-known',
        '__Host-portcullis.sig',
      ]),
    )
    for (const cookie of [...page.cookies, ...entered.cookies]) {
      assert.match(cookie, /; path=\/;/)
      assert.match(cookie, /; secure/i)
      assert.match(cookie, /; httponly/i)
      assert.match(cookie, /; samesite=lax/i)
      assert.doesNotMatch(cookie, /domain/i)
    }
    const session = entered.cookies.filter((cookie) => /^__Host-portcullis(?:\.sig)?=/.test(cookie))
    assert.equal(session.length, 2)
    for (const cookie of session) {
      const expires = Date.parse(/; expires=([^;]*)/i.exec(cookie)?.[1] ?? '')
      assert.ok(expires > Date.now() + 3600_000, `${cookie} outlives its browser`)
    }
    assert.match((await ask('/logout', entered.cookies)).html, /You are signed in as <strong>ada<\/strong>/)
  })
})

describe('signing out', () => {
  it('ends the session for good, and nothing that was granted', async () => {
    const visitor = await signIn('ada')
    const browser = new FormBrowser()
    for (const [name, value] of visitor.cookies) browser.keep(name, value)
    const client = new OAuthClient(installation.url)
    const { refresh_token: refresh } = await client.signIn({}, browser)

    const cookies = new Map(browser.cookies)
    const leaving = new Visitor(installation.url)
    for (const [name, value] of cookies) leaving.cookies.set(name, value)
    const answer = await leaving.submit('/logout', {})
    assert.equal(answer.status, 303)
    assert.equal(answer.location, '/logout')
    assert.equal(leaving.cookies.get(sessionName()), undefined)
    assert.match((await leaving.get('/logout')).html, /You are signed out/)
    const old = new Visitor(installation.url)
    for (const [name, value] of cookies) old.cookies.set(name, value)
    assert.equal(await whoIs(old), undefined)
    assert.equal((await client.refresh(refresh)).status, 200)
  })

  it('cannot be forged (A48)', async () => {
    const [visitor, other] = [await signIn('ada'), await signIn('grace')]
    const foreign = csrfOf((await other.get('/logout')).html)
    const own = csrfOf((await visitor.get('/logout')).html)
    for (const answer of [
      await visitor.post('/logout', {}),
      await visitor.post('/logout', { csrf: foreign }),
      await visitor.post('/logout', { csrf: own }, { headers: { origin: 'http://evil.example' } }),
    ]) {
      assert.ok(answer.status === 400 || answer.status === 403)
    }
    assert.equal(await whoIs(visitor), 'ada')
    assert.equal((await visitor.get('/logout')).status, 200, 'a link alone signs nobody out')
    assert.equal(await whoIs(visitor), 'ada')
  })
})
