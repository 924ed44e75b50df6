import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { FormBrowser } from '../support/form-browser.ts'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { OAuthClient } from '../support/oauth.ts'

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

  it('that is wrong about its resource is told that, and the challenge stays for the next (A58)', async () => {
    const { access_token: token, refresh_token: refresh } = await signIn('lin')
    await lack(token)
    const { body } = await gate.oauth.refresh(refresh, { resource: 'https://elsewhere.example/mcp' })
    assert.equal(body.error, 'invalid_target')
    assert.equal((await gate.oauth.refresh(refresh)).body.error, 'invalid_grant')
    assert.equal((await gate.oauth.refresh(refresh)).status, 200)
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

describe('an authorization request after a challenge for more scopes', () => {
  const scope = 'mcp:tools:read'
  const ask = (name: string): { browser: FormBrowser; scopes: () => Promise<string[]> } => {
    const browser = new FormBrowser({ fill: { name } })
    return { browser, scopes: async () => (await gate.oauth.signIn({ scope }, browser)).scope.split(' ') }
  }

  it('is widened by what was missing, once, for this user alone, who is shown it (V11, N28)', async () => {
    const { access_token: token } = await signIn('mary')
    await lack(token)
    assert.deepEqual(await ask('nobody-else').scopes(), [scope], 'another user')
    const widened = ask('mary')
    assert.deepEqual(await widened.scopes(), [scope, 'mcp:tools:execute'])
    const page = widened.browser.pages.find(({ html }) => html.includes('value="approve"'))
    assert.match(page?.html ?? '', /Run tools on your behalf/)
    assert.deepEqual(await ask('mary').scopes(), [scope], 'the client has its tokens')
  })

  it('is widened again if the client was gone when its user came back, and not after a refusal', async () => {
    const { access_token: token } = await signIn('rosalind')
    await lack(token)
    const wide = `${scope} mcp:tools:execute`
    await gate.oauth.authorize({ scope: wide }, new FormBrowser({ fill: { name: 'rosalind' } }))
    assert.deepEqual(await ask('rosalind').scopes(), wide.split(' '))
    assert.deepEqual(await ask('rosalind').scopes(), [scope], 'the client has its tokens')
    await lack(token)
    const refusing = new FormBrowser({ fill: { name: 'rosalind' }, decision: 'deny' })
    await assert.rejects(gate.oauth.authorize({ scope }, refusing))
    assert.deepEqual(await ask('rosalind').scopes(), [scope], 'the user has refused')
  })

  it('is widened for no other client (V11)', async () => {
    const { access_token: token } = await signIn('edith')
    await lack(token)
    const other = await OAuthClient.register(gate.installation.url, {
      redirect_uris: ['http://127.0.0.1:1/cb'],
    })
    const { scope: granted } = await other.signIn({ scope }, new FormBrowser({ fill: { name: 'edith' } }))
    assert.equal(granted, scope)
  })
})
