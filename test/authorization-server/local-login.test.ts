import assert from 'node:assert/strict'
import { after, before, describe, it, mock } from 'node:test'
import { decodeJwt } from 'jose'
import type { People } from '../../src/identity/people.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { type MovableClock, movableClock } from '../support/movable-clock.ts'
import { OAuthClient } from '../support/oauth.ts'
import { goodPassword, openPeople } from '../support/people.ts'
import { stopTime } from '../support/stop-time.ts'
import { type Answer, actionOf, csrfOf, Visitor } from '../support/visitor.ts'

let installation: Installation
let people: People & { close: () => Promise<void> }
let client: OAuthClient
let clock: MovableClock
let ada: string
// The first lock lasts five seconds.
stopTime()
before(async () => {
  clock = movableClock()
  installation = await startInstallation({ clock, config: { login: { users: 'local' } } })
  people = await openPeople(installation, clock)
  ada = (await people.add({ name: 'ada', displayName: 'Ada Lovelace', password: goodPassword })).id
  client = new OAuthClient(installation.url)
})
after(async () => {
  await people.close()
  await installation.close()
})

const tryLogin = (visitor: Visitor, name: string, password = goodPassword): Promise<Answer> =>
  visitor.submit('/login?next=/account/passkeys', { name, password })

const problemOf = ({ html }: Answer): string | undefined => /role="alert">([^<]*)</.exec(html)?.[1]

describe('local users', () => {
  it('sign in with name and password, and tokens carry an id that is no name and no client (R17, A12)', async () => {
    const browser = new FormBrowser({ fill: { name: 'ADA', password: goodPassword } })
    const { access_token: token } = await client.signIn({}, browser)
    assert.equal(decodeJwt(token).sub, ada)
    assert.match(ada, /^usr_[\w-]{22}$/)
    assert.match(browser.pages[0]?.html ?? '', /<strong>Test client<\/strong> wants to connect/)
    assert.match(browser.pages[1]?.html ?? '', /You are signed in as <strong>Ada Lovelace<\/strong>/)
    assert.deepEqual(new Set(browser.redirectsAfterForms), new Set([303]), 'never 307 (P10)')
  })

  it('are known in any Unicode form of their name and password', async () => {
    await people.add({ name: 'Zoë', password: 'crème brûlée à volonté' })
    for (const form of ['NFC', 'NFD'] as const) {
      const visitor = new Visitor(installation.url)
      const { status } = await tryLogin(
        visitor,
        'ZOË'.normalize(form),
        'crème brûlée à volonté'.normalize(form),
      )
      assert.equal(status, 303, form)
    }
  })

  it('see the same for an unknown name, a wrong password, a disabled account and a locked one (A48)', async () => {
    await people.add({ name: 'gone', password: goodPassword })
    await people.disable('gone')
    await people.add({ name: 'locked', password: goodPassword })
    for (let attempt = 0; attempt < 6; attempt++) {
      await tryLogin(new Visitor(installation.url), 'locked', 'a wrong password')
    }
    const answers = [
      await tryLogin(new Visitor(installation.url), 'nobody'),
      await tryLogin(new Visitor(installation.url), 'ada', 'a wrong password'),
      await tryLogin(new Visitor(installation.url), 'gone'),
      await tryLogin(new Visitor(installation.url), 'locked'),
    ]
    const problems = new Set(answers.map(problemOf))
    assert.equal(problems.size, 1)
    assert.match([...problems][0] ?? '', /name or password is not right/)
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([422]))
    const audit = (await installation.audit()).filter(({ code }) => code === 'login_refused').slice(-4)
    assert.deepEqual(
      audit.map(({ code, reason = '', outcome }) => [
        code,
        outcome,
        reason.replace(/usr_[\w-]+/, 'somebody'),
      ]),
      [
        ['login_refused', 'denied', 'no such user'],
        ['login_refused', 'denied', 'wrong password for somebody'],
        ['login_refused', 'denied', 'somebody is disabled'],
        ['login_refused', 'denied', 'the account of somebody is locked for a moment'],
      ],
    )
  })

  it('are locked for five minutes at most, and not in the browser in which they signed in before', async () => {
    await people.add({ name: 'owner', password: goodPassword })
    const own = new Visitor(installation.url)
    assert.equal((await tryLogin(own, 'owner')).status, 303)
    for (let attempt = 0; attempt < 8; attempt++) {
      await tryLogin(new Visitor(installation.url), 'owner', 'a wrong password')
      clock.advance(61_000)
    }
    assert.equal((await tryLogin(new Visitor(installation.url), 'owner')).status, 422, 'locked')
    await own.submit('/logout', {})
    assert.equal((await tryLogin(own, 'owner')).status, 303)
    clock.advance(300_000)
    assert.equal((await tryLogin(new Visitor(installation.url), 'owner')).status, 303, 'the lock is over')
  })

  it('are strangers in a browser that somebody else is known in', async () => {
    await people.add({ name: 'neighbour', password: goodPassword })
    await people.add({ name: 'target', password: goodPassword })
    const visitor = new Visitor(installation.url)
    await tryLogin(visitor, 'neighbour')
    await visitor.submit('/logout', {})
    for (let attempt = 0; attempt < 5; attempt++) await tryLogin(visitor, 'target', 'a wrong password')
    assert.equal((await tryLogin(visitor, 'target')).status, 422, 'locked')
  })

  it('are strangers again in a browser in which they have not signed in for half a year', async () => {
    await people.add({ name: 'rare', password: goodPassword })
    const visitor = new Visitor(installation.url)
    await tryLogin(visitor, 'rare')
    mock.timers.tick(181 * 24 * 3600 * 1000)
    for (let attempt = 0; attempt < 5; attempt++)
      await tryLogin(new Visitor(installation.url), 'rare', 'a wrong password')
    assert.equal((await tryLogin(visitor, 'rare')).status, 422, 'locked')
  })

  it('may guess ten times in a known browser', async () => {
    await people.add({ name: 'thief', password: goodPassword })
    const stolen = new Visitor(installation.url)
    await tryLogin(stolen, 'thief')
    await stolen.submit('/logout', {})
    for (let attempt = 0; attempt < 10; attempt++) await tryLogin(stolen, 'thief', 'a wrong password')
    assert.equal((await tryLogin(stolen, 'thief')).status, 429)
  })
})

describe('the login form', () => {
  it('tells password managers what is what, and keeps the name that was typed, never the password', async () => {
    const visitor = new Visitor(installation.url)
    const { html } = await visitor.get('/login')
    assert.match(html, /name="name"[^>]*autocomplete="username"/)
    assert.match(html, /type="password"[^>]*autocomplete="current-password"/)
    assert.doesNotMatch(html, /passkey/, 'there are none at an address')
    const refused = await tryLogin(visitor, 'some <b>name', 'the typed password')
    assert.match(refused.html, /value="some &lt;b&gt;name"/)
    assert.doesNotMatch(refused.html, /the typed password/)
    assert.doesNotMatch(installation.log(), /the typed password/)
  })

  it('leads to pages of ours alone (A48)', async () => {
    for (const next of [
      '//evil.example',
      'https://evil.example/account',
      '/account/../x',
      '/\\evil',
      '/account?x',
      '',
    ]) {
      const visitor = new Visitor(installation.url)
      const path = `/login?${new URLSearchParams({ next }).toString()}`
      const { location } = await visitor.submit(path, { name: 'ada', password: goodPassword })
      assert.equal(location, '/account', next)
      assert.equal((await visitor.get(path)).location, '/account', 'signed in already')
    }
    assert.equal((await tryLogin(new Visitor(installation.url), 'ada')).location, '/account/passkeys')
  })

  it('is refused without its cookie, without its token, from another browser and from elsewhere (A48)', async () => {
    const [mine, other] = [new Visitor(installation.url), new Visitor(installation.url)]
    const page = await mine.get('/login')
    const fields = { csrf: csrfOf(page.html), name: 'ada', password: goodPassword }
    const foreign = csrfOf((await other.get('/login')).html)
    const action = actionOf(page.html)
    for (const answer of [
      await mine.post(action, fields, { cookies: false }),
      await mine.post(action, { ...fields, csrf: '' }),
      await mine.post(action, { ...fields, csrf: foreign }),
      await other.post(action, fields),
      await mine.post(action, fields, { headers: { origin: 'http://evil.example' } }),
      await mine.post(action, fields, { headers: { origin: 'http://localhost:9999' } }),
      await mine.post(action, fields, { headers: { origin: 'null' } }),
    ]) {
      assert.ok(answer.status === 400 || answer.status === 403, String(answer.status))
      assert.equal(answer.location, null)
    }
    assert.equal((await mine.post(action, fields)).status, 303)
  })

  it('cannot be framed, and is not kept (P11)', async () => {
    const visitor = new Visitor(installation.url)
    await tryLogin(visitor, 'ada')
    for (const path of ['/login?again', '/logout', '/account/passkeys', '/setup/xxxxxxxx']) {
      const { headers } = await visitor.get(path)
      assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/)
      assert.equal(headers.get('cache-control'), 'no-store', path)
      assert.equal(headers.get('referrer-policy'), 'same-origin', path)
    }
  })
})

describe('the limits on failures', () => {
  it('hold for one address, whatever accounts it tries, and say how long', async (test) => {
    const crowded = await startInstallation({ config: { login: { users: 'local' } } })
    const own = await openPeople(crowded)
    test.after(async () => {
      await own.close()
      await crowded.close()
    })
    await own.add({ name: 'ada', password: goodPassword })
    const visitor = new Visitor(crowded.url)
    const { html } = await visitor.get('/login')
    const send = (name: string): Promise<Answer> =>
      visitor.post(actionOf(html), { csrf: csrfOf(html), name, password: goodPassword })
    for (let attempt = 0; attempt < 5; attempt++) {
      assert.equal((await send('ada')).status, 303, 'what succeeds does not count')
    }
    for (let round = 0; round < 5; round++) {
      await Promise.all(Array.from({ length: 10 }, (_, index) => send(`user${round}${index}`)))
    }
    const stranger = new Visitor(crowded.url)
    const answer = await tryLogin(stranger, 'ada')
    assert.equal((await send('ada')).status, 303, 'the owner, in a browser that is known')
    assert.equal(answer.status, 429)
    assert.ok(Number(answer.headers.get('retry-after')) > 0)
    assert.match(problemOf(answer) ?? '', /Too many sign-ins have failed/)
  })
})
