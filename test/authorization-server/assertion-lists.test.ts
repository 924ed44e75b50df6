import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt, type JWTPayload } from 'jose'
import { type AssertionProvider, startAssertionProvider } from '../support/assertion-provider.ts'
import { askAs, confidential } from '../support/confidential.ts'
import { type GatedSpy, startGatedSpy } from '../support/gated-spy.ts'
import type { TokenAnswer } from '../support/oauth.ts'

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

describe('an identity assertion with lists (RFC 7519 section 4.1.3, ID-JAG section 3)', () => {
  let gate: GatedSpy
  let provider: AssertionProvider
  let first: string
  let second: string
  before(async () => {
    provider = await startAssertionProvider(() => gate)
    const { issuer, jwksUri } = provider
    gate = await startGatedSpy({
      clients: [confidential('desktop', [jwtBearer])],
      grants: { identityAssertions: [{ issuer, jwksUri }] },
      upstreams: [
        { name: 'one', path: '/one/mcp', url: 'http://127.0.0.1:9/mcp' },
        { name: 'two', path: '/two/mcp', url: 'http://127.0.0.1:9/mcp' },
      ],
    })
    first = `${gate.installation.url}/one/mcp`
    second = `${gate.installation.url}/two/mcp`
  })
  after(async () => {
    await gate.close()
    await provider.close()
  })

  const redeem = async (claims: JWTPayload, resource?: string): Promise<TokenAnswer> =>
    askAs(gate.oauth, 'desktop', {
      grant_type: jwtBearer,
      assertion: await provider.assert({ resource: first, ...claims }),
      ...(resource === undefined ? {} : { resource }),
    })

  it('of one audience, which is this server, or of one resource means the same as without (T8)', async () => {
    for (const claims of [{ aud: [gate.installation.url] }, { resource: [first] }]) {
      const { status, body } = await redeem(claims)
      assert.equal(status, 200, JSON.stringify(body))
      assert.equal(decodeJwt(body.access_token).aud, first)
    }
  })

  it('of several resources is for the one of them that the request names (T6)', async () => {
    const resource = [first, second]
    for (const asked of resource) {
      const { body } = await redeem({ resource }, asked)
      assert.equal(decodeJwt(body.access_token).aud, asked)
    }
    assert.equal((await redeem({ resource })).body.error, 'invalid_target')
    assert.equal((await redeem({ resource: [first] }, second)).body.error, 'invalid_target')
  })
})
