import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { ConfigurationInvalid } from '../../src/config/problems.ts'
import { systemClock } from '../../src/core/clock.ts'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { startInstallation } from '../support/installation.ts'
import { movableClock } from '../support/movable-clock.ts'
import { startTokenIssuer, type TokenIssuer, tryToken } from '../support/token-issuer.ts'

const list = legacyRequest('tools/list')

describe('tokens of another issuer, with no authorization server of ours', () => {
  let gate: GatedSpy
  let first: TokenIssuer
  let second: TokenIssuer
  before(async () => {
    first = await startTokenIssuer(() => 'api')
    second = await startTokenIssuer(() => 'api')
    gate = await startGatedSpy({
      authorizationServer: 'external',
      clients: [],
      issuers: [
        {
          preset: 'keycloak',
          issuer: first.issuer,
          audiences: ['api'],
          claims: { scopes: ['scope', 'scp', 'permissions', 'realm_access.roles'] },
          scopeMap: { reader: ['mcp:tools:read'] },
        },
        { issuer: second.issuer, audiences: ['api'], tokenTypes: ['JWT'] },
      ],
    })
  })
  after(async () => {
    await gate.close()
    await first.close()
    await second.close()
  })

  it('names the real issuers in the metadata of the resource, and serves nothing of an authorization server (D1, D9, AM5)', async () => {
    const { url, mcpUrl } = gate.installation
    const metadata = await fetch(`${url}/.well-known/oauth-protected-resource/mcp`)
    const body = (await metadata.json()) as { authorization_servers: string[]; resource: string }
    assert.deepEqual(body.authorization_servers, [first.issuer, second.issuer])
    assert.equal(body.resource, mcpUrl)
    for (const path of [
      '/.well-known/oauth-authorization-server',
      '/authorize',
      '/token',
      '/register',
      '/login',
      '/',
    ]) {
      const answer = await fetch(url + path)
      assert.equal(answer.status, 404, path)
    }
    assert.throws(() => gate.installation.authorizationServerUrl.length)
  })

  it('tells the operator, and nobody else, for whom a token is and for whom it should be (N8)', async () => {
    const token = await first.token({ aud: ['11111111-2222-3333-4444-555555555555', 'x'], scope: 'mcp:*' })
    const { headers } = await gate.post(list, { token })
    assert.match(headers.get('www-authenticate') ?? '', /error_description="token is for another resource/)
    assert.doesNotMatch(headers.get('www-authenticate') ?? '', /1111/)
    const told = 'its aud is ["11111111-2222-3333-4444-555555555555","x"], what counts here is ["api"]'
    assert.ok(gate.installation.log().includes(JSON.stringify(told)))
  })

  it('names no scope that what the client asks for at first stands for, since its issuer may not know it (V7)', async (test) => {
    const known = {
      scopes: { 'files.use': 'Use files' },
      issuers: [{ issuer: first.issuer, audiences: ['api'], scopeMap: { 'files.use': ['mcp:tools:read'] } }],
    }
    const other = await startGatedSpy(
      { authorizationServer: 'external', clients: [], ...known },
      systemClock,
      { baselineScopes: ['files.use'] },
    )
    test.after(() => other.close())
    const rest = 'mcp:tools:execute mcp:resources:list mcp:resources:read mcp:prompts:list mcp:prompts:read'
    for (const [method, revision, scope] of [
      ['tools/list', '2025-11-25', 'files.use'],
      ['tools/call', '2025-11-25', 'files.use mcp:tools:execute'],
      ['tools/list', '2025-06-18', `files.use ${rest}`],
    ] as const) {
      const headers = { 'mcp-protocol-version': revision }
      const { headers: answered } = await other.post(legacyRequest(method), { headers })
      assert.match(answered.get('www-authenticate') ?? '', new RegExp(`^Bearer scope="${scope}",`))
    }
  })

  it('takes scopes as text, as list, as permissions, as roles, by what they stand for (V2)', async () => {
    for (const claims of [
      { scope: 'openid mcp:tools:read' },
      { scp: 'mcp:tools:read' },
      { scp: ['x', 'mcp:tools:read'] },
      { permissions: ['mcp:tools:read'] },
      { realm_access: { roles: ['reader'] } },
    ]) {
      assert.equal(await tryToken(gate, await first.token(claims)), '200', JSON.stringify(claims))
    }
    assert.equal((await gate.post(list, { token: await first.token({ scope: 'reads' }) })).status, 403)
    assert.equal((await gate.post(list, { token: await first.token({ roles: ['reader'] }) })).status, 403)
  })

  it('tells the MCP server who it is, with groups and roles', async () => {
    const token = await first.token({ scope: 'mcp:*', groups: ['ops'], realm_access: { roles: ['admin'] } })
    await gate.post(list, { token })
    const sent = gate.spy.seen.at(-1)?.headers.authorization?.slice('Bearer '.length) ?? ''
    const { sub_id: id, client_id: clientId, groups, roles } = decodeJwt(sent)
    assert.deepEqual(id, { format: 'iss_sub', iss: first.issuer, sub: 'u1' })
    assert.deepEqual([clientId, groups, roles], ['app', ['ops'], ['admin']])
  })

  it('refuses what is for somebody else, over, no access token, or not signed as it should be (V3, A1)', async () => {
    const scope = { scope: 'mcp:*' }
    for (const [claims, header, reason] of [
      [{ aud: 'another-api' }, {}, 'token is for another resource'],
      [{ aud: gate.installation.mcpUrl }, {}, 'token is for another resource'],
      [{ exp: 1 }, {}, 'token expired'],
      [{ nonce: 'n' }, {}, 'token is no access token'],
      [{ at_hash: 'h' }, {}, 'token is no access token'],
      [{ c_hash: 'h' }, {}, 'token is no access token'],
      [{ typ: 'ID' }, {}, 'token is no access token'],
      [{ typ: 'Refresh' }, {}, 'token is no access token'],
      [{}, { typ: 'id+jwt' }, 'token is no access token'],
      [{}, { kid: 'made-up' }, 'token is signed with an unknown key'],
      [{ iss: 'https://evil.example' }, {}, 'token is from an unknown issuer'],
      [{ iss: gate.installation.url }, {}, 'token is from an unknown issuer'],
      [{ sub: undefined }, {}, 'token lacks a claim'],
      [{ sub: 'a\0da' }, {}, 'token has unprintable characters in a name'],
      [{ sub: 'ada\ud800' }, {}, 'token has unprintable characters in a name'],
      [{ azp: 'app\n' }, {}, 'token has unprintable characters in a name'],
    ] as const) {
      const token = await first.token({ ...scope, ...claims }, header)
      assert.equal(await tryToken(gate, token), reason, JSON.stringify([claims, header]))
    }
    assert.equal(await tryToken(gate, 'opaque-token'), 'token is malformed')
    const typed = await first.token({ ...scope, typ: 'Bearer' })
    assert.equal(await tryToken(gate, typed), '200', 'what Keycloak writes into its access tokens')
  })

  it('binds the keys of an issuer to its name: no token of one is good for the other (A66)', async () => {
    const claims = { iss: second.issuer, scope: 'mcp:*' }
    assert.match(await tryToken(gate, await first.token(claims)), /^token (?:is signed|has a wrong)/)
    assert.equal(await tryToken(gate, await second.token({ scope: 'mcp:*' })), '200')
  })

  it('takes the algorithm of Ed25519 keys under both of its names (RFC 9864 section 2.2)', async (test) => {
    const names = ['Ed25519', 'EdDSA']
    const issuers = await Promise.all(names.map(() => startTokenIssuer(() => 'api')))
    for (const [index, issuer] of issuers.entries()) await issuer.rotate('ed', names[index])
    const other = await startGatedSpy({
      authorizationServer: 'external',
      clients: [],
      issuers: issuers.map(({ issuer }) => ({ issuer, audiences: ['api'], tokenTypes: ['JWT'] })),
    })
    test.after(() => Promise.all([other, ...issuers].map((one) => one.close())))
    for (const issuer of issuers)
      assert.equal(await tryToken(other, await issuer.token({ scope: 'mcp:*' })), '200')
  })

  it('finds a new key, and looks for made-up ones no more often than twice a minute (A8, A62)', async () => {
    const fetched = (): number => second.paths.filter((path) => path === '/keys').length
    const earlier = fetched()
    for (let index = 0; index < 20; index++) {
      const token = await second.token({ scope: 'mcp:*' }, { kid: `made-up-${index}` })
      assert.equal(await tryToken(gate, token), 'token is signed with an unknown key')
    }
    assert.ok(fetched() - earlier <= 1, `${fetched() - earlier} fetches`)
    const third = await startTokenIssuer(() => 'api')
    const other = await startGatedSpy({
      authorizationServer: 'external',
      clients: [],
      issuers: [{ issuer: third.issuer, audiences: ['api'], tokenTypes: ['JWT'] }],
    })
    await third.rotate()
    assert.equal(await tryToken(other, await third.token({ scope: 'mcp:*' })), '200')
    await other.close()
    await third.close()
  })

  it('tries the first keys that a token can mean where a kid has several (A8)', async (test) => {
    const issuer = await startTokenIssuer(() => 'api')
    test.after(() => issuer.close())
    const old = await issuer.token({ scope: 'mcp:*' })
    await issuer.rotate('key-1')
    const other = await startGatedSpy({
      authorizationServer: 'external',
      clients: [],
      issuers: [{ issuer: issuer.issuer, audiences: ['api'], tokenTypes: ['JWT'] }],
    })
    test.after(() => other.close())
    assert.equal(await tryToken(other, old), '200')
    assert.equal(await tryToken(other, await issuer.token({ scope: 'mcp:*' })), '200')
    await issuer.rotate('key-1')
    const unseen = await issuer.token({ scope: 'mcp:*' })
    assert.equal(await tryToken(other, unseen), 'token has a wrong signature')
  })

  it('answers 503 while there are no keys to verify with: it is no fault of the token (A8)', async (test) => {
    const away = await startTokenIssuer(() => 'api')
    test.after(() => away.close())
    const clock = movableClock()
    const waiting = await startGatedSpy(
      {
        authorizationServer: 'external',
        clients: [],
        issuers: [{ issuer: away.issuer, audiences: ['api'], tokenTypes: ['JWT'] }],
      },
      clock,
    )
    test.after(() => waiting.close())
    away.isAway = true
    const token = await away.token({ scope: 'mcp:*' })
    clock.stop()
    const { status, headers } = await waiting.post(list, { token })
    assert.deepEqual([status, headers.get('retry-after')], [503, '5'])
    assert.equal(headers.get('www-authenticate'), null, 'nobody is asked to log in again')
    assert.ok(waiting.installation.log().includes(`"specifics":"${away.issuer}: Expected 200 OK from`), 'why')
    for (let index = 0; index < 20; index++) {
      const madeUp = await away.token({ scope: 'mcp:*' }, { kid: `made-up-${index}` })
      assert.equal((await waiting.post(list, { token: madeUp })).status, 503)
    }
    const fetched = away.paths.filter((path) => path === '/keys').length
    assert.equal(fetched, 1, 'it is not asked for each token')
    away.isAway = false
    clock.advance(5001)
    assert.equal(await tryToken(waiting, token), '200')
  })

  it('tells at the start what the issuer can do for MCP clients, and what to do about the rest (N5)', () => {
    const log = gate.installation.log()
    assert.match(log, /PKCE with S256: no; clients refuse a server that does not: have Portcullis be/)
    assert.match(log, /clients that register themselves \(RFC 7591\): no; register a client for each program/)
    assert.match(log, /the parameter resource \(RFC 8707\): not told; where it refuses/)
    assert.match(
      log,
      /the parameter resource \(RFC 8707\): not told; it ignores the parameter without the feature/,
    )
  })

  it('does not start on metadata that cannot be trusted (A69)', async () => {
    const hostile = await startTokenIssuer(() => 'api')
    for (const [metadata, message] of [
      [{ issuer: 'https://evil.example' }, /names another issuer/],
      [{ jwks_uri: 'https://169.254.169.254/keys' }, /jwks_uri that is not used/],
      [{ jwks_uri: 'http://keys.example.com/' }, /not https/],
    ] as const) {
      hostile.metadata = metadata
      const issuers = [{ issuer: hostile.issuer }]
      const starting = startInstallation({
        config: { authorizationServer: 'external', clients: [], issuers },
      })
      await assert.rejects(starting, (error) => {
        assert.ok(error instanceof ConfigurationInvalid)
        assert.match(error.message, message)
        assert.match(error.message, /issuers\[0\]\.issuer: /)
        return true
      })
    }
    assert.ok(!hostile.paths.includes('/keys'))
    await hostile.close()
  })
})
