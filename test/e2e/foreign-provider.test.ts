import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { verifier } from '../support/federation.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type Glewlwyd, startGlewlwyd } from '../support/glewlwyd.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { type MovableClock, movableClock } from '../support/movable-clock.ts'
import { OAuthClient } from '../support/oauth.ts'

describe('an identity provider of others: Glewlwyd', () => {
  let glewlwyd: Glewlwyd
  let installation: Installation
  let client: OAuthClient
  let clock: MovableClock
  before(async () => {
    clock = movableClock()
    glewlwyd = await startGlewlwyd()
    const provider = {
      name: 'glewlwyd',
      issuer: glewlwyd.issuer,
      clientId: 'portcullis',
      clientSecret: 'a-secret',
    }
    installation = await startInstallation({
      clock,
      config: { login: { providers: [{ ...provider, scopes: ['openid'] }] } },
    })
    await glewlwyd.addClient('portcullis', 'a-secret', `${installation.url}/login/callback/glewlwyd`)
    await glewlwyd.addUser('ada', 'Ada Lovelace')
    await glewlwyd.addUser('grace', 'Grace Hopper')
    client = new OAuthClient(installation.url)
  })
  after(async () => {
    await installation.close()
    await glewlwyd.close()
  })

  const signIn = async (user: string, browser = new FormBrowser()) => {
    const away = await browser.visit(client.authorizationUrl({ verifier, scope: 'mcp:*' }))
    assert.ok(away?.href.startsWith(new URL(glewlwyd.issuer).origin))
    const callback = await glewlwyd.authorize(away as URL, user)
    const answer = await browser.visit(callback.href)
    const { status, body } = await client.redeem({
      code: answer?.searchParams.get('code') ?? '',
      verifier,
      callback,
    })
    assert.equal(status, 200, installation.log())
    return { ...body, browser }
  }

  it('signs people in, who are let pass with the tokens that they get here (X7)', async () => {
    const { access_token: token, browser } = await signIn('ada')
    assert.match(browser.lastPage.html, /You are signed in as <strong>Ada Lovelace<\/strong>/)
    const answer = await fetch(installation.mcpUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${token}`,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    })
    assert.equal(answer.status, 502, 'let pass, to where there is nobody')
    const again = await signIn('ada')
    assert.equal(decodeJwt(again.access_token).sub, decodeJwt(token).sub)
    const other = await signIn('grace')
    assert.notEqual(decodeJwt(other.access_token).sub, decodeJwt(token).sub)
  })

  it('ends their access here when they take it back there (A67)', async () => {
    const { refresh_token: token } = await signIn('ada')
    clock.advance(301_000)
    const { status, body } = await client.refresh(token)
    assert.equal(status, 200, 'it still vouches')
    await glewlwyd.takeBack('ada')
    clock.advance(301_000)
    assert.equal((await client.refresh(body.refresh_token)).body.error, 'invalid_grant', installation.log())
    assert.ok((await signIn('grace')).access_token, 'of nobody else')
  })
})
