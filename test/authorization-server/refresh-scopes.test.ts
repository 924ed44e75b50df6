import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { allowedScopesField } from '../../src/authorization-server/registration/client-fields.ts'
import { refreshedScopes } from '../../src/authorization-server/tokens/refresh-scopes.ts'
import { ScopeCatalogue } from '../../src/core/scope-catalogue.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { OAuthClient, type TokenAnswer } from '../support/oauth.ts'

let installation: Installation
before(async () => {
  installation = await startInstallation({
    config: { scopes: { files: 'Use files', 'files:read': 'Read files' } },
  })
})
after(() => installation.close())

/** Refreshes once with a scope, and then once without. */
async function refreshTwice(granted: string, scope: string): Promise<readonly [TokenAnswer, TokenAnswer]> {
  const client = new OAuthClient(installation.url)
  const { refresh_token: token } = await client.signIn({ scope: granted })
  const narrowed = await client.refresh(token, { scope })
  return [narrowed, await client.refresh(narrowed.body.refresh_token ?? token)]
}

describe('a refresh that asks for less than was granted (RFC 6749 section 6)', () => {
  for (const [granted, asked] of [
    ['mcp:tools', 'mcp:tools:read'],
    ['mcp:*', 'mcp:resources:read mcp:tools:execute:send'],
    ['mcp:tools:* mcp:prompts:read', 'mcp:prompts:read mcp:tools:execute'],
    ['mcp:tools:execute', 'mcp:tools:execute:send'],
    ['mcp:tools', 'mcp:tools:*'],
    ['files', 'files:read'],
    ['mcp:tools:read mcp:tools:execute', 'mcp:tools:read'],
  ] as const) {
    it(`gets ${asked} of ${granted}, and all of it the next time`, async () => {
      const [narrowed, whole] = await refreshTwice(granted, asked)
      assert.equal(narrowed.status, 200, JSON.stringify(narrowed.body))
      const scopes = (text: unknown): string[] => String(text).split(' ').toSorted()
      assert.deepEqual(scopes(narrowed.body.scope), scopes(asked))
      assert.deepEqual(scopes(decodeJwt(narrowed.body.access_token)['scope']), scopes(asked))
      assert.deepEqual(scopes(whole.body.scope), scopes(granted))
      assert.deepEqual(scopes(decodeJwt(whole.body.access_token)['scope']), scopes(granted))
    })
  }

  for (const [granted, asked] of [
    ['mcp:tools:read', 'mcp:tools'],
    ['mcp:tools:execute:send', 'mcp:tools:execute'],
    ['mcp:tools:read', 'mcp:tools:read mcp:tools:execute'],
    ['mcp:tools', 'mcp:*'],
    ['mcp:tools', 'mcp:tools:unheard-of'],
    ['mcp:tools', 'mcp:prompts:read'],
    ['mcp:tools:read', 'openid mcp:tools:read'],
    ['files', 'files:write'],
  ] as const) {
    it(`does not get ${asked} of ${granted}, and loses nothing by asking`, async () => {
      const [refused, whole] = await refreshTwice(granted, asked)
      assert.deepEqual([refused.status, refused.body.error], [400, 'invalid_scope'])
      assert.equal(whole.body.scope, granted)
    })
  }

  it('gets the rest afterwards, also when a call lacked it, and otherwise is sent to its user (RFC 6750 section 3.1)', async () => {
    for (const [granted, asked, status] of [
      ['mcp:tools:read', undefined, 400],
      ['mcp:tools', undefined, 200],
      ['mcp:tools', 'mcp:tools:read mcp:tools:execute', 200],
      ['mcp:tools:read mcp:tools:execute', undefined, 200],
      ['mcp:tools', 'mcp:tools:read', 400],
    ] as const) {
      const client = new OAuthClient(installation.url)
      const { refresh_token: token } = await client.signIn({ scope: granted })
      const { body } = await client.refresh(token, { scope: 'mcp:tools:read' })
      const lacked = await fetch(installation.mcpUrl, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${body.access_token}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: JSON.stringify(legacyRequest('tools/call', { name: 'send' })),
      })
      assert.equal(lacked.status, 403, await lacked.text())
      const again = await client.refresh(body.refresh_token, asked === undefined ? {} : { scope: asked })
      assert.equal(again.status, status, `${granted}, ${asked}: ${JSON.stringify(again.body)}`)
    }
  })

  it('is for nothing that its client may no longer get', () => {
    const entities = { RefreshToken: { scope: 'mcp:tools mcp:prompts:read' } }
    const client = { [allowedScopesField]: ['mcp:tools:read', 'mcp:prompts'] }
    const context = { oidc: { client, params: {}, entities, route: 'token' } }
    assert.deepEqual(refreshedScopes(new ScopeCatalogue(), context as never), ['mcp:prompts:read'])
  })
})
