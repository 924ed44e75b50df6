import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Installation, startInstallation } from '../support/installation.ts'
import { type MovableClock, movableClock } from '../support/movable-clock.ts'
import { goodPassword, openPeople } from '../support/people.ts'
import { type Answer, actionOf, csrfOf, Visitor } from '../support/visitor.ts'

const start = (clock?: MovableClock): Promise<Installation> =>
  startInstallation({ config: { login: { users: 'local' } }, ...(clock === undefined ? {} : { clock }) })

const choose = (visitor: Visitor, link: string, fields: Record<string, string> = {}): Promise<Answer> =>
  visitor.submit(link, { name: 'ada', password: goodPassword, repeated: goodPassword, ...fields })

describe('the first user', () => {
  let installation: Installation
  before(async () => {
    installation = await start()
  })
  after(() => installation.close())

  it('is made once, on a link that only the operator sees, and is signed in', async () => {
    const link = installation.setUpLink ?? ''
    assert.match(link, new RegExp(`^${installation.url}/setup/[\\w-]{43}$`))
    const visitor = new Visitor(installation.url)
    for (const fields of [
      { name: 'a b' },
      { password: 'short', repeated: 'short' },
      { repeated: 'something else' },
    ]) {
      const refused = await choose(visitor, link, fields)
      assert.equal(refused.status, 422)
      assert.match(refused.html, /role="alert"/)
    }
    const done = await choose(visitor, link)
    assert.equal(done.status, 303)
    assert.equal(done.location, '/account/passkeys')
    assert.match((await visitor.get('/account/passkeys')).html, /You are signed in as <strong>ada<\/strong>/)
    const again = await new Visitor(installation.url).get(link)
    assert.equal(again.status, 400)
    assert.match(again.html, /This link no longer works.*Ask the person who runs this server for a new one/s)

    const token = link.split('/').at(-1) as string
    const seen = installation.log() + JSON.stringify(await installation.audit())
    assert.ok(!seen.includes(token), 'neither in the log nor in the audit')
    assert.ok(!seen.includes(token.slice(0, 20)))
  })

  it('is not made a second time', async () => {
    await installation.restart()
    assert.equal(installation.setUpLink, undefined)
  })

  it('is not asked for where clients get their tokens elsewhere: the page would be 404', async (test) => {
    const elsewhere = await startInstallation({
      config: {
        mode: 'production',
        publicUrl: 'https://mcp.example.com',
        authorizationServer: 'external',
        issuers: [{ issuer: 'https://127.0.0.1:9', jwksUri: 'https://127.0.0.1:9/jwks', audiences: ['mcp'] }],
        clients: [],
      },
    })
    test.after(() => elsewhere.close())
    assert.equal(elsewhere.setUpLink, undefined)
  })
})

describe('a set-up link', () => {
  let clock: MovableClock
  let installation: Installation
  before(async () => {
    clock = movableClock()
    installation = await start(clock)
  })
  after(() => installation.close())

  it('is over after an hour, and a start makes a new one', async () => {
    const old = installation.setUpLink ?? ''
    clock.advance(3600_000)
    assert.equal((await new Visitor(installation.url).get(old)).status, 400)
    await installation.restart()
    assert.notEqual(installation.setUpLink, old)
    assert.equal((await new Visitor(installation.url).get(installation.setUpLink ?? '')).status, 200)
  })

  it('is refused from another browser and without its token (A48)', async () => {
    const link = installation.setUpLink ?? ''
    const [mine, other] = [new Visitor(installation.url), new Visitor(installation.url)]
    const { html } = await mine.get(link)
    const fields = { csrf: csrfOf(html), name: 'eve', password: goodPassword, repeated: goodPassword }
    for (const answer of [
      await other.post(actionOf(html), fields),
      await mine.post(actionOf(html), { ...fields, csrf: '' }),
      await mine.post(actionOf(html), fields, { headers: { origin: 'http://evil.example' } }),
    ]) {
      assert.ok(answer.status === 400 || answer.status === 403)
    }
    const guessed = await mine.get(`/setup/${'x'.repeat(43)}`)
    assert.match(guessed.html, /This link no longer works/)
    for (const path of ['/setup/x', `/setup/${'x'.repeat(43)}`, '/setup/', '/setup']) {
      assert.ok((await mine.get(path)).status >= 400, path)
    }
  })

  it('lets one in, of ten at once', async () => {
    const link = installation.setUpLink ?? ''
    const visitors = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const visitor = new Visitor(installation.url)
        return { visitor, page: await visitor.get(link) }
      }),
    )
    const answers = await Promise.all(
      visitors.map(({ visitor, page: { html } }, index) =>
        visitor.post(actionOf(html), {
          csrf: csrfOf(html),
          name: `user${index}`,
          password: goodPassword,
          repeated: goodPassword,
        }),
      ),
    )
    assert.equal(answers.filter(({ status }) => status === 303).length, 1)
    const people = await openPeople(installation, clock)
    assert.equal((await people.list()).length, 1)
    await people.close()
  })

  it('of an invited user sets the password of this user, whatever name is sent', async () => {
    const people = await openPeople(installation, clock)
    const token = await people.invite('grace', 'Grace Hopper')
    const [link, second] = [`/setup/${token}`, `/setup/${await people.invite('grace')}`]
    const visitor = new Visitor(installation.url)
    assert.match((await visitor.get(link)).html, /Welcome, Grace Hopper.*value="grace"[^>]*readonly/s)
    const refused = await visitor.submit('/login', { name: 'grace', password: '' })
    assert.equal(refused.status, 422, 'nobody signs in without a password')
    assert.equal((await choose(visitor, link, { name: 'eve' })).status, 303)
    assert.match((await visitor.get('/account/passkeys')).html, /Grace Hopper/)
    assert.equal((await visitor.get(second)).status, 400, 'the other link is over as well')
    await assert.rejects(people.invite('grace'), /there is a user grace already/)
    assert.equal((await people.list()).filter(({ name }) => name === 'eve').length, 0)
    await people.close()
  })
})
