import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { People } from '../../src/identity/people.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { type MovableClock, movableClock } from '../support/movable-clock.ts'
import { OAuthClient } from '../support/oauth.ts'
import { goodPassword, openPeople } from '../support/people.ts'
import { stopTime } from '../support/stop-time.ts'
import { type Answer, csrfOf, Visitor } from '../support/visitor.ts'

const path = '/account/password'
const newPassword = 'four other words of no meaning'
const wrongPassword = 'a wrong password of mine'
const chosen = { password: newPassword, repeated: newPassword }

let installation: Installation
let people: People & { close: () => Promise<void> }
let clock: MovableClock
// The first lock lasts five seconds.
stopTime()
before(async () => {
  clock = movableClock()
  installation = await startInstallation({ clock, config: { login: { users: 'local' } } })
  people = await openPeople(installation, clock)
})
after(async () => {
  await people.close()
  await installation.close()
})

const logIn = async (name: string, password = goodPassword): Promise<Visitor> => {
  const visitor = new Visitor(installation.url)
  assert.equal((await visitor.submit('/login', { name, password })).status, 303)
  return visitor
}

/** Somebody new, whose login is long enough ago to be asked for the password. */
const somebody = async (name: string): Promise<Visitor> => {
  await people.add({ name, password: goodPassword })
  const visitor = await logIn(name)
  clock.advance(15 * 60_000)
  return visitor
}

const mayLogIn = async (name: string, password: string): Promise<boolean> => {
  const answer = await new Visitor(installation.url).submit('/login', { name, password })
  return answer.status === 303
}

const problemOf = ({ html }: Answer): string | undefined => /role="alert">([^<]*)</.exec(html)?.[1]

describe('the page on which people change their password', () => {
  it('asks for the password until now, signs out every other browser and goes on in this one', async () => {
    const visitor = await somebody('ada')
    const other = await logIn('ada')
    assert.match((await visitor.get('/account')).html, new RegExp(`href="${path}"`))
    assert.match((await visitor.get(path)).html, /name="current"[^>]*autocomplete="current-password"/)
    clock.advance(1000)
    const old = visitor.cookies.get(`portcullis-${new URL(installation.url).port}`)
    const answer = await visitor.submit(path, { current: goodPassword, ...chosen })
    assert.deepEqual([answer.status, answer.location], [303, '/account'])
    assert.equal((await visitor.get('/account')).status, 200)
    assert.notEqual(visitor.cookies.get(`portcullis-${new URL(installation.url).port}`), old)
    assert.match((await other.get('/account')).location ?? '', /^\/login/)
    assert.equal(await mayLogIn('ada', goodPassword), false)
    assert.equal(await mayLogIn('ada', newPassword), true)
  })

  it('tells password managers whose password it is, by the name and not by what the user is called', async () => {
    await people.add({ name: 'mary', displayName: 'Mary Somerville', password: goodPassword })
    const visitor = await logIn('mary')
    const usernames = ({ html }: Answer): string[] =>
      [...html.matchAll(/<input[^>]*autocomplete="username"[^>]*>/g)].map(([input]) => input)
    for (const page of [
      await visitor.get(path),
      await visitor.submit(path, { password: 'short', repeated: 'short' }),
    ]) {
      assert.equal(usernames(page).length, 1)
      assert.match(usernames(page)[0] ?? '', /value="mary"[^>]*readonly/)
    }
  })

  it('does not ask who has logged in within a quarter of an hour', async () => {
    await people.add({ name: 'recent', password: goodPassword })
    const visitor = await logIn('recent')
    assert.doesNotMatch((await visitor.get(path)).html, /name="current"/)
    assert.equal((await visitor.submit(path, chosen)).status, 303)
    assert.equal(await mayLogIn('recent', newPassword), true)
  })

  it('asks everybody else, also who leaves the field out of the form', async () => {
    const visitor = await somebody('grace')
    for (const fields of [{ current: wrongPassword }, { current: '' }, {}] as Record<string, string>[]) {
      const answer = await visitor.submit(path, { ...fields, ...chosen })
      assert.equal(answer.status, 422)
      assert.match(problemOf(answer) ?? '', /current password is not right/)
    }
    assert.equal(await mayLogIn('grace', goodPassword), true, 'unchanged')
    const [event] = (await installation.audit()).filter(({ code }) => code === 'password_refused').slice(-1)
    assert.match(event?.reason ?? '', /wrong password for usr_/)
    const seen = installation.log() + JSON.stringify(await installation.audit())
    for (const secret of [wrongPassword, goodPassword, newPassword]) assert.ok(!seen.includes(secret))
  })

  it('has the limits of the login: ten attempts in a known browser, and a lock in a strange one', async () => {
    const thief = await somebody('victim')
    for (let attempt = 0; attempt < 10; attempt++) {
      assert.equal((await thief.submit(path, { current: wrongPassword, ...chosen })).status, 422)
    }
    const limited = await thief.submit(path, { current: goodPassword, ...chosen })
    assert.equal(limited.status, 429)
    assert.ok(Number(limited.headers.get('retry-after')) > 0)

    const stranger = await somebody('stranger')
    for (const name of stranger.cookies.keys()) if (name.endsWith('-known')) stranger.cookies.delete(name)
    for (let attempt = 0; attempt < 6; attempt++) {
      await stranger.submit(path, { current: wrongPassword, ...chosen })
    }
    assert.equal((await stranger.submit(path, { current: goodPassword, ...chosen })).status, 422, 'locked')
    assert.equal(await mayLogIn('stranger', goodPassword), false, 'and so is the login')
  })

  it('leaves the browser known in which it was changed', async () => {
    const owner = await somebody('owner')
    assert.equal((await owner.submit(path, { current: goodPassword, ...chosen })).status, 303)
    for (let attempt = 0; attempt < 6; attempt++) assert.equal(await mayLogIn('owner', wrongPassword), false)
    assert.equal(await mayLogIn('owner', newPassword), false, 'locked')
    await owner.submit('/logout', {})
    assert.equal((await owner.submit('/login', { name: 'owner', password: newPassword })).status, 303)
  })

  it('has the rules of every password', async () => {
    const visitor = await somebody('weak')
    for (const [fields, problem] of [
      [{ password: 'short', repeated: 'short' }, /at least 12 characters/],
      [{ password: 'passwordpassword', repeated: 'passwordpassword' }, /try first/],
      [{ password: newPassword, repeated: `${newPassword}!` }, /not the same/],
    ] as const) {
      const answer = await visitor.submit(path, { current: goodPassword, ...fields })
      assert.equal(answer.status, 422)
      assert.match(problemOf(answer) ?? '', problem)
    }
    assert.equal(await mayLogIn('weak', goodPassword), true, 'unchanged')
  })

  it('takes no form from elsewhere, and nothing from who is not signed in (A48)', async () => {
    const visitor = await somebody('forged')
    const other = await somebody('forger')
    const csrf = csrfOf((await visitor.get(path)).html)
    const form = { current: goodPassword, ...chosen }
    assert.equal((await visitor.post(path, form)).status, 400)
    const foreign = await visitor.post(
      path,
      { ...form, csrf },
      { headers: { origin: 'http://evil.example' } },
    )
    assert.ok(foreign.status === 400 || foreign.status === 403)
    const forgers = csrfOf((await other.get(path)).html)
    assert.equal((await visitor.post(path, { ...form, csrf: forgers })).status, 400, 'the token of another')
    assert.match(
      (await new Visitor(installation.url).post(path, { ...form, csrf })).location ?? '',
      /^\/login/,
    )
    assert.equal(await mayLogIn('forged', goodPassword), true, 'unchanged')
  })
})

describe('a new password of one’s own', () => {
  const granted = async (name: string) => {
    const client = new OAuthClient(installation.url)
    const visitor = await somebody(name)
    const browser = new FormBrowser({ fill: { name, password: goodPassword } })
    const { refresh_token: refresh } = await client.signIn({}, browser)
    return { client, visitor, refresh }
  }

  it('leaves the tick as the user set it when the password is refused', async () => {
    const visitor = await somebody('ticker')
    for (const [ends, shown] of [
      [{ ends: 'all' }, true],
      [{}, false],
    ] as const) {
      const sent = { current: goodPassword, ...chosen, repeated: wrongPassword, ...ends }
      const { status, html } = await visitor.submit(path, sent)
      assert.deepEqual([status, /name="ends" value="all" checked/.test(html)], [422, shown])
    }
  })

  it('ends the access of programs unless the tick is taken away', async () => {
    const { client, visitor, refresh } = await granted('careful')
    const { html } = await visitor.get(path)
    assert.match(html, /type="checkbox" name="ends" value="all" checked/)
    assert.equal((await visitor.submit(path, { current: goodPassword, ends: 'all', ...chosen })).status, 303)
    assert.equal((await client.refresh(refresh)).body.error, 'invalid_grant')
  })

  it('leaves it alone where the tick was taken away', async () => {
    const { client, visitor, refresh } = await granted('calm')
    assert.equal((await visitor.submit(path, { current: goodPassword, ...chosen })).status, 303)
    assert.equal((await client.refresh(refresh)).status, 200)
  })
})
