import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { openConfiguredStore } from '../../src/compose/store.ts'
import { loadConfig } from '../../src/config/load.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { People } from '../../src/identity/people.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { movableClock } from '../support/movable-clock.ts'
import { type IssuedCode, OAuthClient } from '../support/oauth.ts'
import { goodPassword, openPeople } from '../support/people.ts'
import { until } from '../support/until.ts'
import { actionOf, csrfOf, Visitor } from '../support/visitor.ts'

const newPassword = 'four other words of no meaning'
const listTools = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'

let installation: Installation
let people: People & { close: () => Promise<void> }
let client: OAuthClient
before(async () => {
  installation = await startInstallation({ config: { login: { users: 'local' } } })
  people = await openPeople(installation)
  client = new OAuthClient(installation.url)
})
after(async () => {
  await people.close()
  await installation.close()
})

const call = async (token: string): Promise<number> => {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return (await fetch(installation.mcpUrl, { method: 'POST', headers, body: listTools })).status
}

const eventually = (token: string, status: number): Promise<void> =>
  until(async () => (await call(token)) === status, `a call is answered with ${status}`)

interface InTheMiddle {
  readonly browser: FormBrowser
  readonly token: string
  readonly refresh: string
  readonly code: IssuedCode
  /** A browser that is signed in and looks at a consent page. */
  readonly visitor: Visitor
  readonly consent: { readonly action: string; readonly csrf: string }
}

/** Somebody with everything that a login can lead to. */
async function inTheMiddle(name: string): Promise<InTheMiddle> {
  await people.add({ name, password: goodPassword })
  const browser = new FormBrowser({ fill: { name, password: goodPassword } })
  const { access_token: token, refresh_token: refresh } = await client.signIn(
    { scope: 'mcp:tools:read' },
    browser,
  )
  assert.equal(await call(token), 502, 'let in; there is no server behind')
  const code = await client.authorize({}, browser)
  const visitor = new Visitor(installation.url)
  for (const [key, value] of browser.cookies) visitor.cookies.set(key, value)
  const interaction = await visitor.get(client.authorizationUrl({ verifier: 'a'.repeat(43) }))
  const { html } = await visitor.get(interaction.location ?? '')
  assert.match(html, /Approve/)
  return { browser, token, refresh, code, visitor, consent: { action: actionOf(html), csrf: csrfOf(html) } }
}

async function assertEnded({ browser, token, refresh, code, visitor, consent }: InTheMiddle): Promise<void> {
  assert.equal((await client.refresh(refresh)).body.error, 'invalid_grant', 'refresh')
  assert.equal((await client.redeem(code)).body.error, 'invalid_grant', 'a code that was out')
  const approved = await visitor.post(consent.action, { csrf: consent.csrf, decision: 'approve' })
  assert.equal(approved.status, 400, 'a consent page that was open')
  await assertSessionEnded(browser)
  await eventually(token, 401)
}

async function assertSessionEnded({ cookies }: FormBrowser): Promise<void> {
  const visitor = new Visitor(installation.url)
  for (const [key, value] of cookies) visitor.cookies.set(key, value)
  assert.match((await visitor.get('/account/passkeys')).location ?? '', /^\/login/, 'on our pages')
  const { location } = await visitor.get(client.authorizationUrl({ verifier: 'b'.repeat(43) }))
  assert.match((await visitor.get(location ?? '')).html, /id="password"/, 'at /authorize')
}

describe('everything that a user is in the middle of ends (A58, T4)', () => {
  it('when the user is disabled: login, session, consent, code, refresh and access token', async () => {
    const middle = await inTheMiddle('ada')
    await people.disable('ada')
    await assertEnded(middle)
    const visitor = new Visitor(installation.url)
    const login = (): ReturnType<Visitor['submit']> =>
      visitor.submit('/login', { name: 'ada', password: goodPassword })
    assert.equal((await login()).status, 422)
    await people.enable('ada')
    await assertEnded(middle)
    assert.equal((await login()).status, 303)
  })

  it('when the password changes', async () => {
    const middle = await inTheMiddle('grace')
    await people.setPassword('grace', newPassword)
    await assertEnded(middle)
    const visitor = new Visitor(installation.url)
    assert.equal((await visitor.submit('/login', { name: 'grace', password: goodPassword })).status, 422)
    assert.equal((await visitor.submit('/login', { name: 'grace', password: newPassword })).status, 303)
  })

  it('when the user is removed, and who comes next under the name is somebody else', async () => {
    const middle = await inTheMiddle('alan')
    const predecessor = (await people.list()).find(({ name }) => name === 'alan')
    await people.remove('alan')
    await assertEnded(middle)
    const { id } = await people.add({ name: 'alan', password: goodPassword })
    assert.notEqual(id, predecessor?.id)
  })

  it('with what the user agreed to, and with the answers of refreshes that are kept for a moment (N21, P12)', async () => {
    await people.add({ name: 'agreeing', password: goodPassword })
    const web = await OAuthClient.register(installation.url, { redirect_uris: ['https://app.example/cb'] })
    const browser = new FormBrowser({ fill: { name: 'agreeing', password: goodPassword } })
    const { refresh_token: used } = await web.signIn({}, browser)
    assert.equal((await web.refresh(used)).status, 200)
    assert.equal((await web.refresh(used)).status, 200, 'a repeat within the window')
    await people.setPassword('agreeing', newPassword)
    assert.equal((await web.refresh(used)).body.error, 'invalid_grant')
    const again = new FormBrowser({ fill: { name: 'agreeing', password: newPassword } })
    await web.authorize({}, again)
    assert.ok(
      again.pages.some(({ html }) => html.includes('value="approve"')),
      'asked again',
    )
  })

  it('while nothing of others does', async () => {
    const other = await inTheMiddle('other')
    await people.add({ name: 'leaver', password: goodPassword })
    await people.remove('leaver')
    assert.equal((await client.refresh(other.refresh)).status, 200)
    assert.equal(await call(other.token), 502)
  })
})

describe('a form that was begun before everything ended (A58)', () => {
  it('sets no password', async () => {
    await people.add({ name: 'slow', password: goodPassword })
    const visitor = new Visitor(installation.url)
    assert.equal((await visitor.submit('/login', { name: 'slow', password: goodPassword })).status, 303)
    const { html } = await visitor.get('/account/password')
    const chosen = { password: 'words of somebody else here', repeated: 'words of somebody else here' }
    const held = await visitor.hold('/account/password', { csrf: csrfOf(html), ...chosen, ends: 'all' })
    await people.setPassword('slow', newPassword)
    const { status, location } = await held.finish()
    assert.deepEqual([status, location], [303, '/login?next=%2Faccount%2Fpassword'])
    const login = (password: string): ReturnType<Visitor['submit']> =>
      new Visitor(installation.url).submit('/login', { name: 'slow', password })
    assert.equal((await login(newPassword)).status, 303)
    assert.equal((await login(chosen.password)).status, 422)
  })

  it('agrees to nothing', async () => {
    const { visitor, consent } = await inTheMiddle('slower')
    const held = await visitor.hold(consent.action, { decision: 'approve', csrf: consent.csrf })
    await people.setPassword('slower', newPassword)
    assert.equal((await held.finish()).status, 400)
  })

  it('agrees to nothing where its session ends just after it was looked at', async () => {
    await people.add({ name: 'slowest', password: goodPassword })
    const web = await OAuthClient.register(installation.url, { redirect_uris: ['https://evil.example/cb'] })
    const visitor = new Visitor(installation.url)
    await visitor.submit('/login', { name: 'slowest', password: goodPassword })
    const { location } = await visitor.get(web.authorizationUrl({ verifier: 'a'.repeat(43) }))
    const { html } = await visitor.get(location ?? '')
    const database = new DatabaseSync(join(installation.data, 'portcullis.sqlite'))
    try {
      database.exec(
        `create trigger ending after insert on consents begin delete from artifacts where model = 'Session'; end`,
      )
      const answer = await visitor.post(actionOf(html), { csrf: csrfOf(html), decision: 'approve' })
      assert.equal(answer.status, 400)
      const left = (what: string) => database.prepare(`select 1 from ${what}`).all(`%${web.clientId}%`).length
      assert.equal(left('consents where client_id like ?'), 0, 'nothing is remembered')
      assert.equal(left(`artifacts where model = 'Grant' and client_id like ?`), 0, 'nothing is granted')
    } finally {
      database.exec('drop trigger ending')
      database.close()
    }
  })
})

describe('a login that another process has taken up, whose clock is ahead', () => {
  it('ends with a new password before it leads anywhere (A58, A72)', async () => {
    await people.add({ name: 'early', password: goodPassword })
    const visitor = new Visitor(installation.url)
    const { location } = await visitor.get(client.authorizationUrl({ verifier: 'a'.repeat(43) }))
    const { html } = await visitor.get(location ?? '')
    const form = { csrf: csrfOf(html), name: 'early', password: goodPassword }
    const resumption = (await visitor.post(actionOf(html), form)).location ?? ''
    const behind = movableClock()
    behind.advance(-9000)
    const others = await openPeople(installation, behind)
    await others.setPassword('early', newPassword)
    await others.close()
    const next = await visitor.get(resumption)
    assert.match((await visitor.get(next.location ?? '')).html, /id="password"/, 'asked for the password')
    assert.match((await visitor.get('/account')).location ?? '', /^\/login/)
    const again = new Visitor(installation.url)
    assert.equal((await again.submit('/login', { name: 'early', password: newPassword })).status, 303)
    assert.equal((await again.get('/account')).status, 200, 'and who knows the new one gets in')
  })
})

describe('a disabled account', () => {
  it('is refused everywhere by itself, even if nothing had been ended (A58)', async () => {
    const { browser, code, refresh, visitor, consent } = await inTheMiddle('frozen')
    const { store } = await openRawStore()
    const user = (await people.list()).find(({ name }) => name === 'frozen')
    await store.users.setDisabled(user?.id ?? '', Date.now(), 0)
    await store.close()
    assert.equal((await client.refresh(refresh)).body.error, 'invalid_grant')
    assert.equal((await client.redeem(code)).body.error, 'invalid_grant')
    const approved = await visitor.post(consent.action, { csrf: consent.csrf, decision: 'approve' })
    assert.equal(approved.status, 400, 'a consent page that was open')
    await assertSessionEnded(browser)
    const login = await new Visitor(installation.url).submit('/login', {
      name: 'frozen',
      password: goodPassword,
    })
    assert.equal(login.status, 422)
  })
})

describe('a session that was written back after it had ended', () => {
  it('opens nothing (A58)', async () => {
    const { browser, visitor, consent } = await inTheMiddle('racer')
    // What a request does that was running while the sessions were removed.
    const { store } = await openRawStore()
    const user = (await people.list()).find(({ name }) => name === 'racer')
    const [session] = await store.artifacts.listByAccount('Session', user?.id ?? '')
    await people.setPassword('racer', newPassword)
    const payload = session?.payload as { jti: string; uid: string }
    await store.artifacts.put({
      model: 'Session',
      id: payload.jti,
      uid: payload.uid,
      payload: session?.payload ?? {},
      accountId: user?.id,
    })
    const approved = await visitor.post(consent.action, { csrf: consent.csrf, decision: 'approve' })
    assert.equal(approved.status, 400, 'a consent page that was open')
    for (const model of ['Grant', 'AuthorizationCode'])
      assert.deepEqual(await store.artifacts.listByAccount(model, user?.id ?? ''), [])
    await store.close()
    await assertSessionEnded(browser)
  })
})

async function openRawStore(): ReturnType<typeof openConfiguredStore> {
  return openConfiguredStore(loadConfig({ base: { data: installation.data } }), systemClock)
}
