import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { People } from '../../src/identity/people.ts'
import { startFederation } from '../support/federation.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { movableClock } from '../support/movable-clock.ts'
import { goodPassword, openPeople } from '../support/people.ts'
import { csrfOf, Visitor } from '../support/visitor.ts'

let installation: Installation
let people: People & { close: () => Promise<void> }
before(async () => {
  installation = await startInstallation({ host: 'localhost', config: { login: { users: 'local' } } })
  people = await openPeople(installation)
})
after(async () => {
  await people.close()
  await installation.close()
})

describe('the page of passkeys', () => {
  it('lets a passkey be added within a quarter of an hour of a login, not by who finds a browser open', async (test) => {
    const clock = movableClock()
    const later = await startInstallation({ host: 'localhost', clock, config: { login: { users: 'local' } } })
    const own = await openPeople(later, clock)
    test.after(async () => {
      await own.close()
      await later.close()
    })
    await own.add({ name: 'ada', password: goodPassword })
    const visitor = new Visitor(later.url)
    await visitor.submit('/login', { name: 'ada', password: goodPassword })
    assert.match((await visitor.get('/account/passkeys')).html, /data-passkey="create"/)
    clock.advance(15 * 60_000 + 2000)
    assert.match((await visitor.get('/account/passkeys')).html, /Sign in again<\/a> to add a passkey/)
    const csrf = csrfOf((await visitor.get('/logout')).html)
    const answer = await visitor.post('/account/passkeys/add', { csrf, credential: '{}', name: 'x' })
    assert.equal(answer.status, 422)
    assert.match(answer.html, /Sign in again before you add a passkey/)
    for (const form of ['add', 'remove']) {
      const opened = await visitor.get(`/account/passkeys/${form}`)
      assert.deepEqual([opened.status, opened.location], [303, '/account/passkeys'], 'its address leads back')
    }
    await visitor.submit('/login?again', { name: 'ada', password: goodPassword })
    assert.match((await visitor.get('/account/passkeys')).html, /data-passkey="create"/)
  })

  it('is not for users of a provider, for whom nothing here may outlive what that says (A67)', async (test) => {
    const federation = await startFederation({}, { users: 'local' })
    test.after(() => federation.close())
    const visitor = new Visitor(federation.installation.url)
    const { html } = await visitor.get('/login')
    const away = await visitor.post('/login/provider', { csrf: csrfOf(html), provider: 'first' })
    const { pathname, search } = federation.first.authorize(new URL(away.location ?? ''))
    await visitor.get(pathname + search)
    assert.match((await visitor.get('/account')).html, /Alice Liddell/)
    for (const path of ['/account/passkeys', '/account/password'])
      assert.equal((await visitor.get(path)).status, 404, path)
    for (const path of ['/account/passkeys/add', '/account/passkeys/remove', '/account/password'])
      assert.equal((await visitor.post(path, {})).status, 404, path)
  })

  it('says why there are none where the server is reached by an address', async (test) => {
    const byAddress = await startInstallation({ config: { login: { users: 'local' } } })
    const own = await openPeople(byAddress)
    test.after(async () => {
      await own.close()
      await byAddress.close()
    })
    await own.add({ name: 'ada', password: goodPassword })
    const visitor = new Visitor(byAddress.url)
    await visitor.submit('/login', { name: 'ada', password: goodPassword })
    const { html } = await visitor.get('/account/passkeys')
    assert.match(html, /Passkeys need a host name/)
    assert.doesNotMatch(html, /data-passkey/)
  })

  it('refuses forged forms and made-up answers (A48)', async () => {
    await people.add({ name: 'victim', password: goodPassword })
    const visitor = new Visitor(installation.url)
    await visitor.submit('/login', { name: 'victim', password: goodPassword })
    const csrf = csrfOf((await visitor.get('/account/passkeys')).html)
    for (const action of ['add', 'remove']) {
      const path = `/account/passkeys/${action}`
      assert.equal((await visitor.post(path, { id: 'x' })).status, 400)
      const foreign = await visitor.post(path, { csrf }, { headers: { origin: 'http://evil.example' } })
      assert.ok(foreign.status === 400 || foreign.status === 403)
      assert.match((await new Visitor(installation.url).post(path, { csrf })).location ?? '', /^\/login/)
    }
    for (const credential of [
      '',
      'x',
      'null',
      '{}',
      '{"id":"x"}',
      '{"id":"x","response":{"clientDataJSON":"x"}}',
    ]) {
      const answer = await visitor.post('/account/passkeys/add', { csrf, credential, name: 'x' })
      assert.equal(answer.status, 422, credential)
      const login = await visitor.get('/login?again')
      const refused = await visitor.post('/login/passkey', { csrf: csrfOf(login.html), credential })
      assert.equal(refused.status, 422, credential)
    }
  })
})
