import assert from 'node:assert/strict'
import { it } from 'node:test'
import { alice, startFederation } from '../support/federation.ts'
import { FormBrowser } from '../support/form-browser.ts'

it('asks no provider about the users of another one that had its name before, and ends their access (A67)', async (test) => {
  const federation = await startFederation()
  test.after(() => federation.close())
  const { first, second, installation, setting, client, clock } = federation
  const browser = new FormBrowser()
  let { refresh_token: token } = await federation.signIn(browser)
  clock.advance(301_000)
  await installation.restart()
  const { status, body: kept } = await client.refresh(token)
  assert.equal(status, 200, 'nothing has changed')
  token = kept.refresh_token

  const [one, two] = setting
  assert.ok(one !== undefined && two !== undefined)
  Object.assign(one, { issuer: second.issuer })
  Object.assign(two, { issuer: first.issuer })
  await installation.restart()
  clock.advance(301_000)
  // Whoever it is about, and without proof.
  second.answer = (_request, res) =>
    void res
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ access_token: 'x', token_type: 'Bearer' }))
  const { body } = await client.refresh(token)
  assert.deepEqual(second.tokenRequests, [], 'the other provider has not seen the refresh token')
  assert.equal(body.error, 'invalid_grant')
  assert.equal((await browser.open(`${installation.url}/account`)).status, 303, 'the session has ended')
})

it('refuses at once whom the rules of a new configuration refuse, by what was said of them before', async (test) => {
  const federation = await startFederation()
  test.after(() => federation.close())
  const { first, installation, setting, client } = federation
  // There is nothing to ask the provider with, and the login would be good for a day.
  Object.assign(first, { person: { ...alice, groups: ['staff'] }, givesRefreshTokens: false })
  const browser = new FormBrowser()
  const { refresh_token: token } = await federation.signIn(browser)
  Object.assign(setting[0] ?? {}, { deny: { groups: ['staff'] } })
  await installation.restart()
  const { status, body } = await client.refresh(token)
  assert.deepEqual([status, body.error], [400, 'invalid_grant'])
  assert.equal((await browser.open(`${installation.url}/account`)).status, 303, 'the session counts no more')
})
