import assert from 'node:assert/strict'
import { it } from 'node:test'
import { startDocumentHost } from '../support/document-host.ts'
import { startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { type Answer, actionOf, csrfOf, Visitor } from '../support/visitor.ts'

it('a client that describes itself in another way while the page is open is not approved as it was (A50, R10)', async (test) => {
  const installation = await startInstallation()
  test.after(() => installation.close())
  const host = await startDocumentHost()
  test.after(() => host.close())
  const client = new OAuthClient(
    installation.url,
    host.publish('/client.json'),
    'http://localhost:45678/callback',
  )
  const visitor = new Visitor(installation.url)
  const follow = ({ location }: Answer): Promise<Answer> => visitor.get(String(location))
  const login = await visitor.get(client.authorizationUrl({ verifier: 'x'.repeat(43) }))
  const asked = await follow(await visitor.submit(String(login.location), { name: 'ada' }))
  const page = String(asked.location)
  const approve = ({ html }: Answer): Promise<Answer> =>
    visitor.post(actionOf(html), { csrf: csrfOf(html), decision: 'approve' })

  const before = await visitor.get(page)
  assert.match(before.html, /A program/)
  host.publish('/client.json', { client_name: 'Another program' })
  // Nothing is known of the document then.
  await installation.restart()
  const refused = await approve(before)
  assert.equal(refused.status, 400)
  assert.match(refused.html, /expired/)
  const after = await visitor.get(page)
  assert.match(after.html, /Another program/)
  const approved = await follow(await approve(after))
  assert.match(String(approved.location), /^http:\/\/localhost:45678\/callback\?code=/)
})
