import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import type { Principal } from '../../src/core/principal.ts'
import { ScopeSet } from '../../src/core/scope.ts'
import { tokenExchange } from '../../src/upstream/credential/token-exchange.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { testClients } from '../support/installation.ts'
import { type MovableClock, movableClock } from '../support/movable-clock.ts'
import { OAuthClient } from '../support/oauth.ts'
import { principalOf } from '../support/principal.ts'
import { startTokenServer, type TokenServer } from '../support/token-server.ts'

const list = legacyRequest('tools/list')
const clientSecret = 'secret-of-the-gateway'

let gate: GatedSpy
let clock: MovableClock
let server: TokenServer
beforeEach(async () => {
  server = await startTokenServer()
  clock = movableClock()
  // Each token says whose it is, as that of a real token server would.
  server.answerWith(({ body }, res) => {
    const { sub, client_id: client } = decodeJwt(new URLSearchParams(body).get('subject_token') ?? '')
    const token = `of-${String(sub)}-by-${String(client)}-${server.seen.length}`
    const answer = { access_token: token, token_type: 'Bearer', expires_in: 600 }
    setTimeout(() => res.writeHead(200).end(JSON.stringify(answer)), 20)
  })
  const credential = {
    kind: 'token-exchange',
    tokenUrl: server.url,
    clientId: 'gateway',
    clientSecret,
    audience: 'api',
    scope: 'read',
  } as const
  const clients = [...testClients, { ...testClients[0]!, id: 'other-client' }]
  const log = { level: 'debug', format: 'json' } as const
  gate = await startGatedSpy({ clients, log }, clock, { credential, responseSeconds: 30 })
})
afterEach(async () => {
  await gate.close()
  await server.close()
})

/** The tokens that reached the MCP server. */
const arrived = (): (string | undefined)[] => gate.spy.seen.map(({ headers }) => headers.authorization)

describe('a token that is exchanged for each user', () => {
  it("is asked for with the gateway's own token for that user, never with the client's (A10)", async () => {
    const token = await gate.tokenFor('mcp:tools:read', 'ada')
    assert.equal((await gate.post(list, { token, headers: { cookie: 'session=client' } })).status, 200)
    const [{ subject_token: subject = '', ...others } = {}] = server.asked()
    assert.deepEqual(others, {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'api',
      scope: 'read',
    })
    const keys = createRemoteJWKSet(new URL(`${gate.installation.url}/gateway/jwks`))
    const { payload } = await jwtVerify(subject, keys, {
      issuer: `${gate.installation.url}/gateway`,
      audience: server.url,
      typ: 'portcullis-identity+jwt',
    })
    assert.deepEqual([payload.sub, payload['client_id']], ['ada', 'user-client'])
    assert.deepEqual(arrived(), ['Bearer of-ada-by-user-client-1'])
    const all = JSON.stringify([server.seen, gate.spy.seen])
    assert.ok(!all.includes(token) && !all.includes('session=client'))
    assert.ok(
      !JSON.stringify(gate.spy.seen).includes(subject),
      'what names the user stays with the token server',
    )
  })

  it('is never that of another user, however they mix (A10)', async () => {
    const users = ['ada', 'grace', 'alan', 'edsger']
    const tokens = await Promise.all(users.map((user) => gate.tokenFor('mcp:tools:read', user)))
    await Promise.all(
      Array.from({ length: 40 }, (_, index) => {
        const name = users[index % users.length] as string
        return gate.post(legacyRequest('tools/list', { cursor: name }), {
          token: tokens[index % users.length],
        })
      }),
    )
    assert.equal(gate.spy.seen.length, 40)
    for (const { headers, body } of gate.spy.seen) {
      const { params } = JSON.parse(body) as { params: { cursor: string } }
      assert.match(headers.authorization ?? '', new RegExp(`^Bearer of-${params.cursor}-by-`))
    }
    assert.equal(new Set(arrived()).size, users.length)
    assert.equal(server.seen.length, users.length, 'each user was asked about once')
  })

  it('is another one for another client or other scopes of the same user', async () => {
    const other = new OAuthClient(gate.installation.url, 'other-client')
    const browser = new FormBrowser({ fill: { name: 'ada' } })
    const tokens = [
      await gate.tokenFor('mcp:tools:read', 'ada'),
      await gate.tokenFor('mcp:tools:read mcp:prompts:list', 'ada'),
      (await other.signIn({ scope: 'mcp:tools:read' }, browser)).access_token,
    ]
    for (const token of [...tokens, ...tokens]) await gate.post(list, { token })
    assert.equal(server.seen.length, 3)
    assert.equal(new Set(arrived()).size, 3)
    assert.deepEqual(arrived().slice(0, 3), arrived().slice(3))
  })

  it('serves every access token of the same user and client until it ends', async () => {
    for (let count = 0; count < 2; count++)
      await gate.post(list, { token: await gate.tokenFor('mcp:tools:read', 'ada') })
    assert.equal(server.seen.length, 1)
    clock.advance(545 * 1000)
    await gate.post(list, { token: await gate.tokenFor('mcp:tools:read', 'ada') })
    assert.equal(server.seen.length, 2)
    assert.equal(arrived().at(-1), 'Bearer of-ada-by-user-client-2')
  })

  it('takes no call along whose own token ended while it was waited for (A9)', async () => {
    const token = await gate.tokenFor('mcp:tools:read', 'ada')
    const asked = new Promise<() => void>((resolve) =>
      server.answerWith((_request, res) =>
        resolve(() => {
          res.writeHead(200).end('{"access_token":"late","token_type":"Bearer"}')
        }),
      ),
    )
    const answer = gate.post(list, { token })
    const give = await asked
    await gate.oauth.token({ token, client_id: 'user-client' }, { path: '/revoke' })
    give()
    const { status, headers } = await answer
    assert.equal(status, 401)
    assert.match(headers.get('www-authenticate') ?? '', /error="invalid_token"/)
    assert.deepEqual(arrived(), [])
  })

  it('that the MCP server refuses is 502, and is exchanged anew for that user alone (A11)', async () => {
    const [ada, grace] = await Promise.all(
      ['ada', 'grace'].map((user) => gate.tokenFor('mcp:tools:read', user)),
    )
    for (const token of [ada, grace]) await gate.post(list, { token })
    const { answer } = gate.spy
    gate.spy.answerWith((_request, res) => res.writeHead(401).end())
    assert.equal((await gate.post(list, { token: ada })).status, 502)
    gate.spy.answerWith(answer)
    for (const token of [ada, grace]) await gate.post(list, { token })
    assert.deepEqual(arrived().slice(3), ['Bearer of-ada-by-user-client-3', arrived()[1]])
  })

  it('that is not given to one user is 503 for that one, and no secret is told (A14)', async () => {
    const [ada, grace] = await Promise.all(
      ['ada', 'grace'].map((user) => gate.tokenFor('mcp:tools:read', user)),
    )
    await gate.post(list, { token: grace })
    server.answerWith((_request, res) => res.writeHead(400).end('{"error":"invalid_target"}'))
    const refused = await gate.post(list, { token: ada })
    assert.equal(refused.status, 503)
    assert.equal((await gate.post(list, { token: grace })).status, 200)
    const audit = await gate.installation.audit()
    assert.match(audit.find(({ status }) => status === 503)?.reason ?? '', /answered 400 invalid_target/)
    const told = gate.installation.log() + JSON.stringify(audit) + refused.text
    const [{ subject_token: subject = clientSecret } = {}] = server.asked()
    for (const hidden of [clientSecret, subject, 'of-grace-by']) assert.ok(!told.includes(hidden), hidden)
  })
})

it('an exchanged token belongs to everything by which a principal is told from others', async () => {
  const ada = principalOf({ clientId: 'c', scopes: new ScopeSet(['mcp:tools:read']) })
  const principals: Principal[] = [
    ada,
    { ...ada, issuer: 'https://b.example' },
    { ...ada, subject: 'c', clientId: 'ada' },
    { ...ada, clientId: 'd' },
    { ...ada, actor: 'robot' },
    { ...ada, scopes: new ScopeSet(['mcp:tools']) },
    { ...ada, groups: ['staff', 'ops'] },
    { ...ada, groups: ['staff ops'] },
    { ...ada, roles: ['staff', 'ops'] },
    { ...ada, groups: ['staff'], roles: ['ops'] },
  ]
  let given = 0
  const credential = tokenExchange({
    client: { request: async () => ({ token: `t${++given}`, lifetimeSeconds: 600 }), close() {} },
    target: {},
    subjectToken: async () => 'who calls',
    clock,
  })
  const headers: (readonly string[])[] = []
  for (const principal of principals) headers.push(await credential.headers(principal))
  assert.equal(new Set(headers.map(([, value]) => value)).size, principals.length)
  assert.equal(credential.headers({ ...ada }), headers[0], 'and to nothing else')
  const reordered = { ...ada, groups: ['ops', 'staff'] }
  assert.equal(credential.headers(reordered), headers[principals.findIndex((one) => one.groups[1] === 'ops')])
})
