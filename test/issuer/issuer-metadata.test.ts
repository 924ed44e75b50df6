import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock } from '../../src/core/clock.ts'
import { IssuerAway, IssuerInvalid } from '../../src/issuer/discover-issuer.ts'
import { issuerMetadata } from '../../src/issuer/issuer-metadata.ts'

const issuer = 'https://issuer.example/acme'
const openId = 'https://issuer.example/acme/.well-known/openid-configuration'
const oauth = 'https://issuer.example/.well-known/oauth-authorization-server/acme'

/** Reads the metadata of an issuer with these answers; all others are 404. Also resolves to what was asked. */
async function read(answers: Record<string, { status?: number; body?: object }>) {
  const asked: string[] = []
  const metadata = issuerMetadata(
    { issuer, origins: ['https://issuer.example'] },
    {
      clock: systemClock,
      async fetch(url) {
        asked.push(url)
        const { status = 404, body = {} } = answers[url] ?? {}
        return Response.json(body, { status })
      },
    },
  )
  const result = await metadata().then(
    (configuration) => configuration.serverMetadata().jwks_uri,
    (error: Error) => error,
  )
  return { result, asked }
}

describe('the metadata of an issuer', () => {
  const [one, other] = ['one', 'other'].map((keys) => ({
    status: 200,
    body: { issuer, jwks_uri: `https://issuer.example/${keys}` },
  }))

  it('is that of OpenID Connect, and where there is none, that of RFC 8414', async () => {
    const both = await read({ [openId]: one ?? {}, [oauth]: other ?? {} })
    assert.deepEqual(both, { result: 'https://issuer.example/one', asked: [openId] })
    const second = await read({ [oauth]: other ?? {} })
    assert.deepEqual(second, { result: 'https://issuer.example/other', asked: [openId, oauth] })
  })

  it('is not looked for elsewhere while the issuer gives no answer, and the first mistake is told', async () => {
    const away = await read({ [openId]: { status: 503 }, [oauth]: other ?? {} })
    assert.ok(away.result instanceof IssuerAway)
    assert.deepEqual(away.asked, [openId])
    const { result } = await read({ [openId]: { status: 403 } })
    assert.ok(result instanceof IssuerInvalid)
    assert.match(result.message, /answers 403 where its metadata should be/)
  })

  it('is no mistake of the operator where the only document that there may be gets no answer', async () => {
    for (const status of [503, 429]) {
      const { result } = await read({ [oauth]: { status } })
      assert.ok(result instanceof IssuerAway)
      assert.match(result.message, new RegExp(`answers ${status} where its metadata should be`))
    }
  })
})
