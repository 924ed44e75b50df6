import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type DocumentHost, letFetchesWait, startDocumentHost } from '../support/document-host.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { goodPassword, openPeople } from '../support/people.ts'
import { until } from '../support/until.ts'
import { actionOf, csrfOf, Visitor } from '../support/visitor.ts'

describe('a session that ends while a request of it waits for the document of a client', () => {
  let installation: Installation
  let host: DocumentHost
  before(async () => {
    installation = await startInstallation({ config: { login: { users: 'local' } } })
    host = await startDocumentHost()
    const people = await openPeople(installation)
    await people.add({ name: 'ada', password: goodPassword })
    await people.close()
  })
  after(async () => {
    await installation.close()
    await host.close()
  })

  async function signIn(): Promise<Visitor> {
    const visitor = new Visitor(installation.url)
    assert.equal((await visitor.submit('/login', { name: 'ada', password: goodPassword })).status, 303)
    return visitor
  }

  /** Another browser with the same cookies, as they are now. */
  function copyOf({ cookies }: Visitor): Visitor {
    const copy = new Visitor(installation.url)
    for (const [name, value] of cookies) copy.cookies.set(name, value)
    return copy
  }

  const isSignedIn = async (visitor: Visitor): Promise<boolean> =>
    (await copyOf(visitor).get('/account')).status === 200

  const clientAt = (path: string): OAuthClient =>
    new OAuthClient(installation.url, host.publish(path), 'http://localhost:4567/callback')
  const urlFor = (client: OAuthClient, extra = {}): string =>
    client.authorizationUrl({ verifier: 'a'.repeat(43), extra })

  /**
   * Begins a request that waits for the document at a path; what it resolves to answers that and waits for the end of the
   * request.
   */
  async function begin(visitor: Visitor, path: string, url: string): Promise<() => Promise<number>> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const asked = host.requests(path)
    host.publish(path, {}, { until: promise })
    const request = visitor.get(url)
    await until(() => host.requests(path) === asked + 1, 'the document is asked for')
    return async () => {
      resolve()
      return (await request).status
    }
  }

  it('stays ended, for whoever has a copy of its cookie (A58, T4)', async (test) => {
    letFetchesWait(test)
    const visitor = await signIn()
    const thief = copyOf(visitor)
    const cookies = copyOf(visitor)
    assert.ok(await isSignedIn(cookies))
    const finish = await begin(thief, '/slow.json', urlFor(clientAt('/slow.json')))
    await visitor.submit('/logout', {})
    assert.equal(await isSignedIn(cookies), false, 'signed out')
    assert.equal(await finish(), 303)
    assert.equal(await isSignedIn(cookies), false, 'and still after that request')
    assert.equal(await isSignedIn(thief), false)
  })

  it('stays ended where the request is a login (A58, T4)', async (test) => {
    letFetchesWait(test)
    const visitor = await signIn()
    const tab = copyOf(visitor)
    const interaction = await tab.get(urlFor(clientAt('/login.json'), { prompt: 'login' }))
    const { html } = await tab.get(interaction.location ?? '')
    const form = { csrf: csrfOf(html), name: 'ada', password: goodPassword }
    const resumption = (await tab.post(actionOf(html), form)).location ?? ''
    // The library keeps the document for five minutes.
    const { now } = Date
    test.mock.method(Date, 'now', () => now() + 301_000)
    const finish = await begin(tab, '/login.json', resumption)
    await visitor.submit('/logout', {})
    assert.equal(await finish(), 303)
    assert.equal(await isSignedIn(tab), false, 'whoever signed out is not signed in by a login of before')
  })

  it('goes on where nobody ends it', async () => {
    const visitor = await signIn()
    const finish = await begin(visitor, '/other.json', urlFor(clientAt('/other.json')))
    assert.equal(await finish(), 303)
    assert.ok(await isSignedIn(visitor))
  })
})
