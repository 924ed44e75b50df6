import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type GatedSpy, legacyRequest, modernRequest, startGatedSpy } from '../support/gated-spy.ts'
import { type MovableClock, movableClock } from '../support/movable-clock.ts'
import { startTokenServer, type TokenServer } from '../support/token-server.ts'
import { until } from '../support/until.ts'

const list = legacyRequest('tools/list')
/** Characters that have to be encoded before they go into Basic. */
const clientId = 'gate:way'
const clientSecret = 'client secret/+ä%'

let gate: GatedSpy
let clock: MovableClock
let server: TokenServer
beforeEach(async () => {
  server = await startTokenServer()
  clock = movableClock()
})
afterEach(async () => {
  await gate.close()
  await server.close()
})

/** Starts a gate whose server gets tokens of the token server, and signs a user in. */
async function open(more: object = {}, settings: object = {}): Promise<string> {
  const credential = {
    kind: 'client-credentials',
    tokenUrl: server.url,
    clientId,
    clientSecret,
    ...more,
  } as const
  const log = { level: 'debug', format: 'json' } as const
  gate = await startGatedSpy({ log }, clock, { ...settings, credential })
  return gate.tokenFor('mcp:*', 'ada')
}

const tokens = (): (string | undefined)[] => gate.spy.seen.map(({ headers }) => headers.authorization)

describe('a token of a token server', () => {
  it('is asked for by the gateway as a client of its own, with what is configured', async () => {
    const token = await open({ scope: 'read write', resource: 'https://api.example/mcp', audience: 'api' })
    const headers = { cookie: 'session=client', dpop: 'client-proof' }
    assert.equal((await gate.post(list, { token, headers })).status, 200)
    const [request] = server.seen
    assert.equal(request?.method, 'POST')
    assert.equal(request?.url, '/token?tenant=a')
    const [user, password] = Buffer.from(
      request?.headers.authorization?.slice('Basic '.length) ?? '',
      'base64',
    )
      .toString()
      .split(':')
      .map((text) => new URLSearchParams(`=${text}`).get(''))
    assert.deepEqual(
      [user, password],
      [clientId, clientSecret],
      'each is encoded by itself (RFC 6749, 2.3.1)',
    )
    assert.deepEqual(server.asked(), [
      {
        grant_type: 'client_credentials',
        scope: 'read write',
        resource: 'https://api.example/mcp',
        audience: 'api',
      },
    ])
  })

  it('is what the MCP server gets, and neither server gets anything of the client (A10)', async () => {
    const token = await open()
    const headers = { cookie: 'session=client', dpop: 'client-proof' }
    await gate.post(list, { token, headers })
    assert.deepEqual(tokens(), ['Bearer given-token-1'])
    const all = JSON.stringify([server.seen, gate.spy.seen])
    for (const value of [token, 'session=client', 'client-proof']) assert.ok(!all.includes(value), value)
    assert.deepEqual(
      server.asked(),
      [{ grant_type: 'client_credentials' }],
      'what is not configured is left out',
    )
  })

  it('is asked for once by fifty who need it at the same time, and by all who come later', async () => {
    const token = await open()
    server.answerWith((_request, res) => {
      const body = JSON.stringify({ access_token: 'slow-token', token_type: 'bearer', expires_in: 60 })
      setTimeout(() => res.writeHead(200, { 'content-type': 'application/json' }).end(body), 200)
    })
    const answers = await Promise.all(Array.from({ length: 50 }, () => gate.post(list, { token })))
    assert.ok(answers.every(({ status }) => status === 200))
    await gate.post(list, { token: await gate.tokenFor('mcp:*', 'grace') })
    assert.equal(server.seen.length, 1)
    assert.deepEqual([...new Set(tokens())], ['Bearer slow-token'])
  })

  it('is fetched anew shortly before it ends', async () => {
    const token = await open()
    await gate.post(list, { token })
    clock.advance(3500 * 1000)
    await gate.post(list, { token })
    assert.equal(server.seen.length, 1, 'a minute and more is left')
    const fresh = await gate.tokenFor('mcp:*', 'ada')
    clock.advance(60 * 1000)
    await gate.post(list, { token: fresh })
    assert.deepEqual(tokens(), ['Bearer given-token-1', 'Bearer given-token-1', 'Bearer given-token-2'])
  })

  it('that ends within seconds is still used for most of them', async () => {
    server.giveTokens({ expires_in: '10' })
    const token = await open()
    clock.stop()
    await gate.post(list, { token })
    await gate.post(list, { token })
    assert.equal(server.seen.length, 1)
    clock.advance(9500)
    await gate.post(list, { token })
    assert.equal(server.seen.length, 2)
  })

  it('that the MCP server refuses is 502 for the client, and the next request brings a new one (A11)', async () => {
    const token = await open()
    await gate.post(list, { token })
    const { answer } = gate.spy
    gate.spy.answerWith((_request, res) => res.writeHead(401, { 'www-authenticate': 'Bearer' }).end())
    const refused = await gate.post(list, { token })
    assert.equal(refused.status, 502)
    assert.equal(refused.json.error?.data['code'], 'upstream_refused')
    assert.equal(refused.headers.get('www-authenticate'), null)
    assert.equal(gate.spy.seen.length, 2, 'the request is not repeated: it may have done something')
    gate.spy.answerWith(answer)
    assert.equal((await gate.post(list, { token })).status, 200)
    assert.equal(tokens().at(-1), 'Bearer given-token-2')
    assert.equal(server.seen.length, 2)
  })

  it('is not dropped for a refusal of the token before it', async () => {
    const token = await open()
    const held: ServerResponse[] = []
    const { answer } = gate.spy
    gate.spy.answerWith((_request, res) => held.push(res))
    const both = [gate.post(list, { token }), gate.post(list, { token })]
    await until(() => held.length === 2, 'both have arrived')
    gate.spy.answerWith(answer)
    held[0]!.writeHead(401).end()
    await Promise.race(both)
    await gate.post(list, { token })
    held[1]!.writeHead(401).end()
    await Promise.all(both)
    await gate.post(list, { token })
    assert.deepEqual(tokens().slice(2), ['Bearer given-token-2', 'Bearer given-token-2'])
  })

  it('is dropped as well where the MCP server is reached through a bridge (A11)', async () => {
    const token = await open({}, { era: 'legacy' })
    gate.spy.answerWith((_request, res) => res.writeHead(401).end())
    const { body, headers } = modernRequest('tools/list')
    assert.equal((await gate.post(body, { token, headers })).status, 502)
    assert.equal((await gate.post(body, { token, headers })).status, 502)
    assert.equal(server.seen.length, 2)
  })

  it('is dropped for a batch that comes through a bridge, too (A11, O4)', async () => {
    const token = await open({}, { era: 'modern' })
    const { answer } = gate.spy
    const params = { protocolVersion: '2025-03-26', capabilities: {} }
    const opened = await gate.post(legacyRequest('initialize', params), { token })
    gate.spy.answerWith((_request, res) => res.writeHead(401).end())
    const headers = {
      'mcp-session-id': opened.headers.get('mcp-session-id') ?? '',
      'mcp-protocol-version': '2025-03-26',
    }
    const batch = [legacyRequest('tools/list', {}, 1), legacyRequest('prompts/list', {}, 2)]
    const refused = await gate.post(batch, { token, headers })
    assert.deepEqual([refused.status, refused.json.error?.data['code']], [502, 'upstream_refused'])
    gate.spy.answerWith(answer)
    assert.equal((await gate.post(batch, { token, headers })).status, 200)
    assert.equal(tokens().at(-1), 'Bearer given-token-2')
  })
})

describe('a token server that gives no token', () => {
  const json = (status: number, body: unknown) => (res: ServerResponse) =>
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  const leak = 'word-of-the-token-server'
  const good = { access_token: leak, token_type: 'Bearer', expires_in: 60 }

  const failures: [string, (res: ServerResponse) => unknown, RegExp][] = [
    [
      'refuses the client',
      json(401, { error: 'invalid_client', error_description: leak }),
      /401 invalid_client/,
    ],
    ['makes up an error', json(400, { error: leak }), /answered 400/],
    ['is out of order', (res) => res.writeHead(503).end(leak), /answered 503/],
    ['redirects', (res) => res.writeHead(307, { location: `/${leak}` }).end(), /answered 307/],
    ['answers with a page', (res) => res.writeHead(200).end(`<p>${leak}`), /gave no access token/],
    ['answers with null', json(200, null), /gave no access token/],
    ['gives a token of another kind', json(200, { ...good, token_type: 'DPoP' }), /not of the type Bearer/],
    ['gives no kind of token', json(200, { ...good, token_type: undefined }), /not of the type Bearer/],
    [
      'gives a token with a line break',
      json(200, { ...good, access_token: `${leak}\r\na: b` }),
      /no access token/,
    ],
    ['gives a token that has ended', json(200, { ...good, expires_in: 0 }), /has expired/],
    ['gives a lifetime that is none', json(200, { ...good, expires_in: leak }), /has expired/],
    ['never stops talking', (res) => res.writeHead(200).end(leak.repeat(5000)), /too long/],
    ['hangs up', (res) => res.socket?.destroy(), /cannot be reached/],
    ['does not answer', () => {}, /did not answer in time/],
    ['does not finish', (res) => res.writeHead(200).write(leak), /did not answer in time/],
  ]
  for (const [what, fail, reason] of failures) {
    it(`because it ${what}: 503, of which the client learns nothing (A14)`, async () => {
      const token = await open()
      server.answerWith((_request, res) => fail(res))
      const answer = await gate.post(list, { token })
      assert.equal(answer.status, 503, answer.text)
      assert.equal(answer.json.error?.data['code'], 'upstream_credential_unavailable')
      assert.equal(answer.json.id, 7)
      assert.equal(answer.headers.get('www-authenticate'), null)
      assert.deepEqual(gate.spy.seen, [], 'nothing goes to the MCP server')
      assert.doesNotMatch(answer.text, new RegExp(`${leak}|token server|127\\.0\\.0\\.1`))
      const entry = (await gate.installation.audit()).find(({ status }) => status === 503)
      assert.match(entry?.reason ?? '', reason)
      const metrics = await (await fetch(`${gate.installation.adminUrl}/metrics`)).text()
      const told = gate.installation.log() + JSON.stringify(await gate.installation.audit()) + metrics
      for (const hidden of [leak, clientSecret, server.seen.at(-1)?.headers.authorization ?? leak])
        assert.ok(!told.includes(hidden), hidden)

      server.giveTokens()
      clock.advance(1000)
      assert.equal((await gate.post(list, { token })).status, 200, 'the gateway lives on')
    })
  }

  it('because it is not there: 503', async () => {
    const token = await open()
    await server.close()
    const answer = await gate.post(list, { token })
    assert.equal(answer.status, 503)
    assert.match((await gate.installation.audit()).at(-1)?.reason ?? '', /cannot be reached: ECONNREFUSED/)
  })

  it('is left alone for a second', async () => {
    const token = await open()
    server.answerWith((_request, res) => res.writeHead(500).end())
    clock.stop()
    for (let count = 0; count < 5; count++) assert.equal((await gate.post(list, { token })).status, 503)
    assert.equal(server.seen.length, 1)
    clock.advance(1000)
    await gate.post(list, { token })
    assert.equal(server.seen.length, 2)
  })
})

it('no secret and no token stands in log, audit, metrics or answers when all is well (A14)', async () => {
  const token = await open()
  const answer = await gate.post(list, { token })
  assert.equal(answer.status, 200)
  const metrics = await (await fetch(`${gate.installation.adminUrl}/metrics`)).text()
  const told = [
    gate.installation.log(),
    JSON.stringify(await gate.installation.audit()),
    metrics,
    answer.text,
    JSON.stringify([...answer.headers]),
  ].join()
  const basic = server.seen[0]?.headers.authorization?.slice('Basic '.length) ?? ''
  for (const hidden of ['given-token', clientSecret, basic]) assert.ok(!told.includes(hidden), hidden)
})
