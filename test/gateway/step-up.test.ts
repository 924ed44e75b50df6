import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { FormBrowser } from '../support/form-browser.ts'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'

let gate: GatedSpy
before(async () => {
  gate = await startGatedSpy()
})
after(() => gate.close())

const signIn = (name: string) =>
  gate.oauth.signIn({ scope: 'mcp:tools:read' }, new FormBrowser({ fill: { name } }))

/** Calls for something that the token lacks the scope for. */
async function lack(token: string, method = 'tools/call', params: object = { name: 'x' }): Promise<void> {
  assert.equal((await gate.post(legacyRequest(method, params), { token })).status, 403)
}

describe('a refresh after a challenge for more scopes', () => {
  it('is refused once for each set of scopes, however often somebody repeats the challenge', async () => {
    const { access_token: token, refresh_token: first } = await signIn('ada')
    await lack(token)
    assert.equal((await gate.oauth.refresh(first)).body.error, 'invalid_grant')
    let current = first
    for (let round = 0; round < 3; round++) {
      await lack(token)
      const { status, body } = await gate.oauth.refresh(current)
      assert.equal(status, 200)
      current = body.refresh_token
    }
    await lack(token, 'resources/read', { uri: 'x:y' })
    assert.equal((await gate.oauth.refresh(current)).body.error, 'invalid_grant', 'another set')
    assert.equal((await gate.oauth.refresh(current)).status, 200)
  })

  it('is refused to the current token, whatever the one before is used for within its window', async () => {
    const { refresh_token: old } = await signIn('grace')
    const { body } = await gate.oauth.refresh(old)
    await lack(body.access_token)
    assert.equal((await gate.oauth.refresh(old)).status, 200)
    assert.equal((await gate.oauth.refresh(body.refresh_token)).body.error, 'invalid_grant')
    assert.equal((await gate.oauth.refresh(body.refresh_token)).status, 200)
  })
})
