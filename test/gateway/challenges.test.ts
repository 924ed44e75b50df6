import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { type GatedSpy, legacyRequest, modernRequest, startGatedSpy } from '../support/gated-spy.ts'
import { until } from '../support/until.ts'

const baseline = 'mcp:tools:read mcp:resources:list mcp:prompts:list'
const everything =
  'mcp:tools:read mcp:resources:list mcp:prompts:list mcp:tools:execute mcp:resources:read mcp:prompts:read'

const dpop = 'DPoP algs="ES256 Ed25519 EdDSA PS256 RS256"'

let gate: GatedSpy
before(async () => {
  gate = await startGatedSpy()
})
after(() => gate.close())

const metadata = (): string => `${gate.installation.url}/.well-known/oauth-protected-resource/mcp`

describe('401 without a token (A1, W1, V6, V7, D2)', () => {
  const requests: [string, string, unknown, Record<string, string>][] = [
    ['initialize', 'POST', legacyRequest('initialize', { protocolVersion: '2025-11-25' }), {}],
    ['tools/list', 'POST', legacyRequest('tools/list'), { 'mcp-protocol-version': '2025-11-25' }],
    [
      'server/discover',
      'POST',
      modernRequest('server/discover').body,
      modernRequest('server/discover').headers,
    ],
    ['an unknown method', 'POST', legacyRequest('no/such'), {}],
    ['no JSON', 'POST', '{', {}],
    ['GET', 'GET', undefined, {}],
    ['DELETE', 'DELETE', undefined, {}],
    ['PUT', 'PUT', '{}', {}],
  ]
  for (const [what, method, body, headers] of requests) {
    it(`answers ${what} with the challenge and nothing else`, async () => {
      const answer = await gate.post(body, { method, headers })
      assert.equal(answer.status, 401)
      assert.equal(
        answer.headers.get('www-authenticate'),
        `Bearer scope="${baseline}", resource_metadata="${metadata()}", ${dpop}`,
      )
      assert.equal(
        answer.json.error?.message,
        'Unauthorized',
        'some clients search the body for this word (N20)',
      )
      assert.equal(answer.headers.get('x-request-id'), answer.json.error?.data['requestId'])
      assert.equal(gate.spy.seen.length, 0)
    })
  }

  it('puts all challenges into one line, for clients that see only the last one (Bun 1.3)', async () => {
    const token = await gate.tokenFor('mcp:tools:read')
    for (const own of [{}, { authorization: `Bearer ${token}` }]) {
      const headers = { 'content-type': 'application/json', ...own }
      const sent = request(gate.installation.mcpUrl, { method: 'POST', headers })
      sent.end(JSON.stringify(legacyRequest('tools/call', { name: 'add' })))
      const [answer] = (await once(sent, 'response')) as [IncomingMessage]
      answer.resume()
      assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer .*, DPoP /)
      assert.equal(answer.headersDistinct['www-authenticate']?.length, 1)
    }
  })

  it('names every scope to clients of revisions without step-up (N27)', async () => {
    for (const [body, headers] of [
      [legacyRequest('initialize', { protocolVersion: '2025-06-18' }), {}],
      [legacyRequest('initialize', { protocolVersion: '2025-03-26' }), {}],
      [legacyRequest('tools/list'), { 'mcp-protocol-version': '2025-06-18' }],
    ] as const) {
      const { headers: answered } = await gate.post(body, { headers })
      assert.match(answered.get('www-authenticate') ?? '', new RegExp(`^Bearer scope="${everything}",`))
    }
  })

  it('names what the request itself needs as well: the Python SDK repeats it with its next token, and asks for no more', async () => {
    const revision = { 'mcp-protocol-version': '2025-11-25' }
    const read = modernRequest('resources/read', { uri: 'demo:a' })
    for (const [body, headers, more] of [
      [legacyRequest('tools/call', { name: 'add' }), revision, ' mcp:tools:execute'],
      [read.body, read.headers, ' mcp:resources:read'],
      [legacyRequest('prompts/list'), revision, ''],
      [legacyRequest('tools/call', { name: 'x'.repeat(20_000) }), revision, ''],
    ] as const) {
      const { status, headers: answered } = await gate.post(body, { headers })
      assert.equal(status, 401)
      assert.match(answered.get('www-authenticate') ?? '', new RegExp(`^Bearer scope="${baseline}${more}",`))
    }
  })

  it('reads no more than a little of what comes without a token, and challenges it all the same', async () => {
    const long = legacyRequest('initialize', { protocolVersion: '2025-06-18', filling: 'x'.repeat(20_000) })
    const { status, headers } = await gate.post(long)
    assert.equal(status, 401)
    assert.doesNotMatch(headers.get('www-authenticate') ?? '', new RegExp(everything))
  })

  it('counts a token in the query for nothing, and refuses one beside the header (V1, A7)', async () => {
    const token = await gate.tokenFor('mcp:*')
    assert.equal((await gate.post(legacyRequest('ping'), { path: `/mcp?access_token=${token}` })).status, 401)
    const both = await gate.post(legacyRequest('ping'), { path: '/mcp?access_token=x', token })
    assert.equal(both.status, 400)
    assert.equal(both.headers.get('www-authenticate'), null)
  })

  it('counts a token in a form for nothing (A7)', async () => {
    const earlier = gate.spy.seen.length
    const answer = await gate.post(`access_token=${await gate.tokenFor('mcp:*')}`, {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    assert.equal(answer.status, 401)
    assert.equal(gate.spy.seen.length, earlier)
  })

  it('takes another scheme for no token, and any case of Bearer (A7)', async () => {
    const token = await gate.tokenFor('mcp:*')
    assert.equal(
      (await gate.post(legacyRequest('ping'), { headers: { authorization: 'Basic eDp5' } })).status,
      401,
    )
    assert.equal(
      (await gate.post(legacyRequest('ping'), { headers: { authorization: `bEaReR ${token}` } })).status,
      200,
    )
  })

  it('tells a token that is written wrongly from none (V5, V6)', async () => {
    const token = await gate.tokenFor('mcp:*')
    const code = async (authorization: string): Promise<unknown> => {
      const answer = await gate.post(legacyRequest('ping'), { headers: { authorization } })
      assert.equal(answer.status, 401)
      const challenge = answer.headers.get('www-authenticate') ?? ''
      const wrong = answer.json.error?.data['code'] === 'token_invalid'
      assert.equal(/^Bearer error="invalid_token".*"token is malformed \(/.test(challenge), wrong, challenge)
      assert.equal(challenge.includes('error'), wrong, challenge)
      return answer.json.error?.data['code']
    }
    for (const text of [`"${token}"`, `Bearer ${token}`, `<${token}>`, `${token},${token}`])
      for (const scheme of ['Bearer', 'DPoP'])
        assert.equal(await code(`${scheme} ${text}`), 'token_invalid', `${scheme} ${text.slice(0, 9)}`)
    for (const text of ['Bearer', 'Bearer ', 'DPoP', token, `Basic ${token}`])
      assert.equal(await code(text), 'token_missing', text)
  })

  it('says how a token is sent to those who sent one without its scheme or in the query, and repeats nothing of it (V5, A14)', async () => {
    const said = 'the Authorization header must be Bearer, a space and the access token'
    const token = await gate.tokenFor('mcp:*')
    for (const authorization of [token, `Token ${token}`, 'Bearer']) {
      const { json, headers } = await gate.post(legacyRequest('ping'), { headers: { authorization } })
      assert.equal(json.error?.message, `Unauthorized: ${said}`)
      const id = headers.get('x-request-id') ?? 'none'
      const lines = (): string[] =>
        gate.installation
          .log()
          .split('\n')
          .filter((line) => line.includes(id))
      await until(() => lines().some((line) => line.includes(`"specifics":"${said}"`)), 'the log says it')
    }
    const inQuery = await gate.post(legacyRequest('ping'), { path: `/mcp?access_token=${token}` })
    assert.equal(inQuery.json.error?.message, `Unauthorized: ${said}`)
    const { json } = await gate.post(legacyRequest('ping'))
    assert.equal(json.error?.message, 'Unauthorized')
    assert.ok(!gate.installation.log().includes(token.slice(-20)))
  })

  it('refuses two Authorization headers (A7)', async () => {
    const token = await gate.tokenFor('mcp:*')
    const { host } = new URL(gate.installation.url)
    const answer = await gate.raw(
      `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nAuthorization: Bearer x\r\n` +
        'Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}',
    )
    assert.match(answer, /^HTTP\/1\.1 400 /)
  })
})

describe('403 for want of a scope (W3, V8, V9)', () => {
  it('repeats nothing that the client wrote (A14)', async () => {
    const token = await gate.tokenFor('mcp:tools:read')
    for (const name of ['x"\r\nSet-Cookie: a=b', 'x", scope="mcp:*', 'x\\"', '\u0000', 'é☃'.repeat(100)]) {
      const answer = await gate.post(legacyRequest('tools/call', { name, arguments: {} }), { token })
      assert.equal(answer.status, 403)
      assert.equal(answer.headers.get('set-cookie'), null)
      assert.match(
        answer.headers.get('www-authenticate') ?? '',
        /^Bearer error="insufficient_scope", scope="mcp:tools:read mcp:tools:execute", resource_metadata="[^"]*", error_description="tools call needs more permission", DPoP /,
      )
      assert.ok(!answer.text.includes('Set-Cookie') && !answer.text.includes('☃'))
    }
  })

  it('names what a modern call needs', async () => {
    const token = await gate.tokenFor('mcp:tools:read')
    const { body, headers } = modernRequest('tools/call', { name: 'add' })
    const answer = await gate.post(body, { token, headers })
    assert.equal(answer.status, 403)
    assert.equal(
      answer.headers.get('www-authenticate'),
      `Bearer error="insufficient_scope", scope="mcp:tools:execute", resource_metadata="${metadata()}", ` +
        'error_description="tools call needs more permission", DPoP error="insufficient_scope", scope="mcp:tools:execute", algs="ES256 Ed25519 EdDSA PS256 RS256"',
    )
    assert.equal(answer.json.id, 7)
  })

  it('repeats to a legacy client what it was granted, since it will forget it', async () => {
    const token = await gate.tokenFor('mcp:tools:read mcp:prompts:list')
    const answer = await gate.post(legacyRequest('tools/call', { name: 'add' }), { token })
    assert.match(
      answer.headers.get('www-authenticate') ?? '',
      /scope="mcp:tools:read mcp:prompts:list mcp:tools:execute"/,
    )
  })

  it('gives the same challenge again, to the letter, to a client that comes back unchanged (A28)', async () => {
    const token = await gate.tokenFor('mcp:tools:read')
    const ask = async (): Promise<string | null> => {
      const answer = await gate.post(legacyRequest('resources/read', { uri: 'a' }), { token })
      return answer.headers.get('www-authenticate')
    }
    assert.equal(await ask(), await ask())
  })

  it('names all that a listen request lacks at once', async () => {
    const token = await gate.tokenFor('mcp:tools:read')
    const notifications = {
      toolsListChanged: true,
      promptsListChanged: true,
      resourceSubscriptions: ['demo:a'],
    }
    const { body, headers } = modernRequest('subscriptions/listen', { notifications })
    const answer = await gate.post(body, { token, headers })
    assert.match(
      answer.headers.get('www-authenticate') ?? '',
      /scope="mcp:tools:read mcp:prompts:list mcp:resources:read"/,
    )
  })
})
