import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type DocumentHost, startDocumentHost } from '../support/document-host.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { goodPassword, openPeople } from '../support/people.ts'
import { Visitor } from '../support/visitor.ts'

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

  /** Begins an authorization request; what it resolves to answers the document and waits for the end of the request. */
  async function beginRequest(visitor: Visitor, path: string): Promise<() => Promise<number>> {
    const { promise: until, resolve } = Promise.withResolvers<void>()
    const client = new OAuthClient(
      installation.url,
      host.publish(path, {}, { until }),
      'http://localhost:4567/callback',
    )
    const request = visitor.get(client.authorizationUrl({ verifier: 'a'.repeat(43) }))
    for (let wait = 0; wait < 200 && host.requests(path) === 0; wait++)
      await new Promise((resume) => setTimeout(resume, 10))
    assert.equal(host.requests(path), 1)
    return async () => {
      resolve()
      return (await request).status
    }
  }

  it('stays ended, for whoever has a copy of its cookie (A58, T4)', async () => {
    const visitor = await signIn()
    const thief = copyOf(visitor)
    const cookies = copyOf(visitor)
    assert.ok(await isSignedIn(cookies))
    const finish = await beginRequest(thief, '/slow.json')
    await visitor.submit('/logout', {})
    assert.equal(await isSignedIn(cookies), false, 'signed out')
    assert.equal(await finish(), 303)
    assert.equal(await isSignedIn(cookies), false, 'and still after that request')
    assert.equal(await isSignedIn(thief), false)
  })

  it('while one that nobody ends goes on', async () => {
    const visitor = await signIn()
    const finish = await beginRequest(visitor, '/other.json')
    assert.equal(await finish(), 303)
    assert.ok(await isSignedIn(visitor))
  })
})
