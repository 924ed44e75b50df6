import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
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
})
