import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { startDocumentHost } from '../support/document-host.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { until } from '../support/until.ts'
import { type Answer, actionOf, csrfOf, Visitor } from '../support/visitor.ts'

describe('a client whose metadata document goes away while somebody signs in', () => {
  let installation: Installation
  before(async () => {
    installation = await startInstallation()
  })
  after(() => installation.close())

  /** Opens the login, or goes on to the consent; then the host of the document goes away, and the cache with it. */
  const reach = async (
    test: TestContext,
    step: 'login' | 'consent',
  ): Promise<{ id: string; visitor: Visitor; page: string; form: Answer }> => {
    const host = await startDocumentHost()
    let isOpen = true
    const leave = async (): Promise<void> => {
      if (isOpen) await host.close()
      isOpen = false
    }
    test.after(leave)
    const redirect = 'http://localhost:45678/callback'
    const client = new OAuthClient(installation.url, host.publish('/client.json'), redirect)
    const visitor = new Visitor(installation.url)
    const follow = async ({ location }: Answer): Promise<string> => String(location)
    let page = await follow(await visitor.get(client.authorizationUrl({ verifier: 'x'.repeat(43) })))
    if (step === 'consent') {
      const resumed = await visitor.submit(page, { name: 'ada' })
      page = await follow(await visitor.get(await follow(resumed)))
    }
    const form = await visitor.get(page)
    assert.equal(form.status, 200)
    await leave()
    await installation.restart()
    return { id: client.clientId, visitor, page, form }
  }

  const assertToldSo = ({ status, html }: Answer): void => {
    assert.equal(status, 400)
    assert.match(html, /cannot be fetched at the moment/)
    assert.match(html, /try again/)
  }

  for (const [step, fields] of [
    ['login', { name: 'ada' }],
    ['consent', { decision: 'approve' }],
  ] as const) {
    it(`is told to them at the ${step}, as nobody's fault here`, async (test) => {
      const { id, visitor, page, form } = await reach(test, step)
      assertToldSo(await visitor.get(page))
      assertToldSo(await visitor.post(actionOf(form.html), { csrf: csrfOf(form.html), ...fields }))
      const told = (await installation.audit()).filter(({ code }) => code === 'invalid_client').slice(-2)
      assert.deepEqual(
        told.map(({ outcome, reason }) => `${outcome}: ${reason}`),
        Array(2).fill(
          'denied: client_id metadata document fetch failed: the fetch failed (ECONNREFUSED); if this server cannot reach the internet, set registration.documents.enabled: false',
        ),
      )
      const ofDocument = installation
        .log()
        .split('\n')
        .filter((line) => line.includes(`"specifics":"${id}"`))
      assert.equal(ofDocument.length, 2, 'the log says whose document it is')
      assert.doesNotMatch(installation.log(), /"level":"error"|"outcome":"failed"|fault/)
    })
  }

  it('is not named in the log as the reason where a request itself is wrong', async (test) => {
    const host = await startDocumentHost()
    test.after(() => host.close())
    const client = new OAuthClient(installation.url, host.answer('/unasked', { status: 404 }))
    const asked = client.authorizationUrl({ verifier: 'x'.repeat(43) })
    assert.equal((await fetch(`${asked}&scope=a&scope=b`)).status, 400)
    await until(() => installation.log().includes("'scope' parameter must not be provided twice"))
    assert.equal(host.requests('/unasked'), 1)
    assert.doesNotMatch(installation.log(), /"specifics":"[^"]*unasked/)
  })
})
