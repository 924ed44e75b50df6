import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ConfigInput } from '../../src/config/schema.ts'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { startTokenIssuer, type TokenIssuer, tryToken } from '../support/token-issuer.ts'

describe('a token of another issuer for somebody whose id looks like that of a user of ours', () => {
  let signing: TokenIssuer
  let asked: TokenIssuer
  before(async () => {
    signing = await startTokenIssuer(() => 'api')
    asked = await startTokenIssuer(() => 'api')
  })
  after(async () => {
    await signing.close()
    await asked.close()
  })

  const start = (config: ConfigInput): Promise<GatedSpy> =>
    startGatedSpy({
      issuers: [
        { issuer: signing.issuer, audiences: ['api'], tokenTypes: ['JWT'] },
        {
          issuer: asked.issuer,
          audiences: ['api'],
          introspection: { clientId: 'gate', clientSecret: 'secret-of-the-tests' },
        },
      ],
      ...config,
    })
  /** Tokens for a subject: one that is signed, and one whose issuer is asked. */
  const tokensFor = async (sub: string): Promise<readonly string[]> => {
    asked.opaque.set(`for-${sub}`, { active: true, sub, client_id: 'app', aud: 'api', scope: 'mcp:*' })
    return [await signing.token({ sub, scope: 'mcp:*' }), `for-${sub}`]
  }

  it('is refused beside an authorization server of ours, with the reason in the log (A66)', async (test) => {
    const gate = await start({})
    test.after(() => gate.close())
    for (const token of await tokensFor('usr_AAAAAAAAAAAAAAAAAAAAAA')) {
      const { status, headers } = await gate.post(legacyRequest('tools/list'), { token })
      assert.equal(status, 401)
      assert.match(headers.get('www-authenticate') ?? '', /error="invalid_token"/)
    }
    assert.equal(gate.spy.seen.length, 0, 'the MCP server has heard of none')
    assert.match(gate.installation.log(), /"reason":"token names a user of ours"/)
    for (const token of await tokensFor('user-1')) assert.equal(await tryToken(gate, token), '200')
  })

  it('counts where no users are kept here: that issuer may be a Portcullis', async (test) => {
    const gate = await start({ authorizationServer: 'external', clients: [] })
    test.after(() => gate.close())
    for (const token of await tokensFor('usr_BBBBBBBBBBBBBBBBBBBBBB'))
      assert.equal(await tryToken(gate, token), '200')
  })
})
