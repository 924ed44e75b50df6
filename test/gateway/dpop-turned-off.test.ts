import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { ConfigInput } from '../../src/config/schema.ts'
import { startGatedSpy } from '../support/gated-spy.ts'
import { proofKey } from '../support/proofs.ts'

const scope = 'mcp:tools:read'
const upstreams = (dpop: 'off' | 'optional') =>
  [{ name: 'x', path: '/mcp', url: 'http://127.0.0.1:9/mcp', dpop }] satisfies ConfigInput['upstreams']

it('dpop: off ends a refresh token that is bound to a key, so that the client signs in again', async (test) => {
  const gate = await startGatedSpy({ upstreams: upstreams('optional') })
  test.after(() => gate.close())
  const { oauth, installation } = gate
  const key = await proofKey()
  const prove = async () => ({ dpop: await key.prove({ url: `${installation.url}/token` }) })
  const { body: tokens } = await oauth.redeem(await oauth.authorize({ scope }), {}, await prove())
  assert.equal(tokens['token_type'], 'DPoP')
  await installation.restart({ upstreams: upstreams('off') })
  const { status, body: refusal } = await oauth.refresh(tokens.refresh_token, {}, await prove())
  assert.deepEqual([status, refusal.error], [400, 'invalid_grant'])
  const last = (await installation.audit()).findLast(({ event }) => event === 'oauth.token')
  assert.match(last?.reason ?? '', /bound to a key, and this server no longer takes such tokens/)
})
