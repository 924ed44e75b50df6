import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { decodeJwt, type JWTPayload, UnsecuredJWT } from 'jose'
import { openConfiguredStore } from '../../src/compose/store.ts'
import { sweepStore } from '../../src/compose/sweep.ts'
import { loadConfig } from '../../src/config/load.ts'
import { systemClock } from '../../src/core/clock.ts'
import { type AssertionProvider, startAssertionProvider } from '../support/assertion-provider.ts'
import { askAs, confidential } from '../support/confidential.ts'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { testClients } from '../support/installation.ts'
import type { TokenAnswer } from '../support/oauth.ts'
import { addVouchedUser, openPeople } from '../support/people.ts'
import { proofKey } from '../support/proofs.ts'
import { until } from '../support/until.ts'

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

describe('identity assertions (T8, ID-JAG)', () => {
  let gate: GatedSpy
  let trusted: AssertionProvider
  let second: AssertionProvider
  let shared: AssertionProvider
  let stranger: AssertionProvider
  before(async () => {
    const current = (): GatedSpy => gate
    trusted = await startAssertionProvider(current)
    second = await startAssertionProvider(current)
    shared = await startAssertionProvider(current)
    stranger = await startAssertionProvider(current)
    const { issuer, jwksUri } = trusted
    gate = await startGatedSpy({
      clients: [
        ...testClients,
        confidential('desktop', [jwtBearer]),
        confidential('limited', [jwtBearer], { scopes: ['mcp:tools:read'] }),
        confidential('bound', [jwtBearer], { dpop: 'required' }),
        confidential('other', ['client_credentials'], { scopes: ['mcp:*'] }),
        confidential('second:machine', ['client_credentials'], { scopes: ['mcp:*'] }),
      ],
      grants: {
        identityAssertions: [
          { issuer, jwksUri },
          { issuer: second.issuer, jwksUri: second.jwksUri, subjectPrefix: 'second:' },
          { issuer: shared.issuer, jwksUri: shared.jwksUri, tenant: 'ours' },
        ],
      },
    })
  })
  after(async () => {
    await gate.close()
    for (const provider of [trusted, second, shared, stranger]) await provider.close()
  })

  const redeem = async (
    assertion: string | Promise<string>,
    more = {},
    id = 'desktop',
  ): Promise<TokenAnswer> =>
    askAs(gate.oauth, id, { grant_type: jwtBearer, assertion: await assertion, ...more })
  const refused = async (answer: TokenAnswer | Promise<TokenAnswer>, what = ''): Promise<void> => {
    const { status, body } = await answer
    assert.equal(status, 400, what)
    assert.equal(body.error, 'invalid_grant', what)
    assert.match(String(body['error_description']), /^grant request is invalid/, 'the reason is for the log')
  }

  it('have what they grant on disk before the answer leaves: no code is redeemed after it', async (test) => {
    await addVouchedUser(gate.installation.data, trusted.issuer, 'wendy')
    const { mock } = test.mock.method(DatabaseSync.prototype, 'exec')
    const { body } = await redeem(trusted.assert({ sub: 'wendy' }))
    assert.ok(decodeJwt(body.access_token)['gid'], 'a grant comes with it')
    const modes = mock.calls.flatMap(({ arguments: [text] }) => /synchronous = (\w+)/.exec(text)?.[1] ?? [])
    assert.ok(!modes.includes('NORMAL'), modes.join(' '))
  })

  it('give the user a token for the client and the server that they name', async () => {
    const { status, body } = await redeem(trusted.assert(), { resource: gate.installation.mcpUrl })
    assert.equal(status, 200, JSON.stringify(body))
    assert.equal(body.scope, 'mcp:tools:read mcp:tools:execute')
    assert.equal(body.refresh_token, undefined)
    const claims = decodeJwt(body.access_token)
    assert.equal(claims.sub, `${trusted.issuer}#alice`)
    assert.equal(claims.aud, gate.installation.mcpUrl)
    assert.equal(claims['client_id'], 'desktop')
    assert.equal((await gate.post(legacyRequest('tools/list'), { token: body.access_token })).status, 200)
  })

  it('of two providers with an alice name two people, neither of them ours (A66)', async () => {
    const one = decodeJwt((await redeem(trusted.assert())).body.access_token).sub
    const two = decodeJwt((await redeem(second.assert())).body.access_token).sub
    const own = decodeJwt(await gate.tokenFor('mcp:tools:read', 'alice')).sub
    assert.deepEqual([one, two, own], [`${trusted.issuer}#alice`, 'second:alice', 'alice'])
  })

  it('of a provider that several companies share are for the users of one (A66)', async () => {
    assert.equal((await redeem(shared.assert({ tenant: 'ours' }))).status, 200)
    for (const tenant of ['theirs', '', undefined, null, ['ours']])
      await refused(redeem(shared.assert({ tenant })), JSON.stringify(tenant))
    await refused(redeem(trusted.assert({ tenant: 'theirs' })), 'where no tenant is configured')
    assert.match(gate.installation.log(), /of the tenant .{1,3}theirs.{1,3}, which grants.identityAssertions/)
  })

  it('are about no client, whatever its provider calls somebody (R17)', async () => {
    await refused(redeem(second.assert({ sub: 'machine' })))
    assert.match(gate.installation.log(), /the subject is a client/)
    assert.equal((await redeem(trusted.assert({ sub: 'machine' }))).status, 200)
  })

  it('end with the access of somebody who signs in at the same provider, and whom the operator keeps out (A58)', async () => {
    const id = await addVouchedUser(gate.installation.data, trusted.issuer, 'walter')
    const call = async ({ body }: TokenAnswer): Promise<number> =>
      (await gate.post(legacyRequest('tools/list'), { token: body.access_token })).status
    const earlier = await redeem(trusted.assert({ sub: 'walter' }))
    const other = await redeem(second.assert({ sub: 'walter' }))
    assert.equal(decodeJwt(earlier.body.access_token).sub, `${trusted.issuer}#walter`)
    assert.equal(await call(earlier), 200)
    const people = await openPeople(gate.installation)
    await people.disable(id)
    await refused(redeem(trusted.assert({ sub: 'walter' })), 'disabled')
    await refused(redeem(trusted.assert({ sub: 'walter' }), { scope: 'mcp:tools:read' }), 'every time')
    await until(async () => (await call(earlier)) === 401, 'the earlier token has ended')
    assert.equal(await call(other), 200, 'and nobody of another provider')
    assert.equal((await redeem(second.assert({ sub: 'walter' }))).status, 200)
    await people.enable(id)
    await people.close()
    assert.equal(await call(await redeem(trusted.assert({ sub: 'walter' }))), 200)
    const entry = (await gate.installation.audit()).find(({ reason }) => reason?.includes('kept out'))
    assert.match(entry?.reason ?? '', /the user is kept out here/)
  })

  it('give the scopes that assertion, request and client have in common', async () => {
    const scope = 'mcp:tools:read mcp:prompts:list'
    assert.equal((await redeem(trusted.assert(), { scope })).body.scope, 'mcp:tools:read')
    const limited = trusted.assert({ client_id: 'limited', scope: 'mcp:*' })
    assert.equal((await redeem(limited, {}, 'limited')).body.scope, 'mcp:tools:read')
    const more = trusted.assert({ scope: 'openid email mcp:tools:read' })
    assert.equal((await redeem(more)).body.scope, 'mcp:tools:read')
    for (const nothing of ['mcp:prompts:list', 'email', undefined]) {
      const assertion = trusted.assert({ scope: nothing })
      assert.equal((await redeem(assertion, { scope: 'mcp:tools:read' })).body.error, 'invalid_scope')
    }
  })

  it('are good once: of fifty at once, one gets a token (A60)', async () => {
    const assertion = await trusted.assert()
    const answers = await Promise.all(Array.from({ length: 50 }, () => redeem(assertion)))
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
    await refused(redeem(assertion))
    const { store } = await openConfiguredStore(
      loadConfig({ base: { data: gate.installation.data } }),
      systemClock,
    )
    await sweepStore(store, systemClock)
    await store.close()
    await gate.installation.restart()
    await refused(redeem(assertion))
    const jti = 'of either provider'
    for (const provider of [trusted, second])
      assert.equal((await redeem(provider.assert({ jti }))).status, 200, 'each names its own')
  })

  it('are good a little before their time: the clock of their provider may be ahead', async () => {
    const iat = Math.floor(Date.now() / 1000) + 20
    assert.equal((await redeem(trusted.assert({ iat, exp: iat + 300 }))).status, 200)
  })

  it('are refused when anything about them is wrong (A60)', async () => {
    const now = Math.floor(Date.now() / 1000)
    const { url } = gate.installation
    const claims: JWTPayload[] = [
      { aud: 'https://elsewhere.example' },
      { aud: [url, 'https://elsewhere.example'] },
      { aud: [url, url] },
      { aud: [] },
      { aud: `${url}/` },
      { aud: undefined as never },
      { resource: 'https://elsewhere.example/mcp' },
      { resource: undefined },
      { resource: [] },
      { resource: [gate.installation.mcpUrl, 'https://elsewhere.example/mcp'] },
      { resource: [gate.installation.mcpUrl, null] },
      { resource: [[gate.installation.mcpUrl]] },
      { client_id: 'other' },
      { client_id: undefined },
      { iss: stranger.issuer },
      { iss: second.issuer },
      { sub: undefined as never },
      { sub: '' },
      { sub: 'a\0b' },
      { sub: 'x'.repeat(256) },
      { jti: undefined as never },
      { jti: '' },
      { iat: now - 400, exp: now - 100 },
      { iat: now - 900, exp: now + 60 },
      { iat: now + 120, exp: now + 300 },
      { exp: now + 3600 },
      { exp: undefined as never },
      { iat: undefined as never },
      { nbf: now + 120 },
    ]
    for (const wrong of claims) await refused(redeem(trusted.assert(wrong)), JSON.stringify(wrong))
    for (const typ of ['JWT', 'at+jwt', undefined]) await refused(redeem(trusted.assert({}, { typ })), typ)
    await refused(redeem(stranger.assert()))
    await refused(redeem(stranger.assert({ iss: trusted.issuer })), 'another key')
    const unsigned = new UnsecuredJWT(decodeJwt(await trusted.assert())).encode()
    for (const text of [unsigned, 'nonsense', 'a.b.c']) await refused(redeem(text), text)
    assert.equal(stranger.fetched(), 0, 'keys of strangers are not fetched')
    const without = await askAs(gate.oauth, 'desktop', { grant_type: jwtBearer })
    assert.equal(without.body.error, 'invalid_request')
    const elsewhere = await redeem(trusted.assert(), { resource: 'https://elsewhere.example/mcp' })
    assert.equal(elsewhere.body.error, 'invalid_target')
  })

  it('are for confidential clients that have the grant', async () => {
    assert.equal((await redeem(trusted.assert({ client_id: 'other' }), {}, 'other')).status, 400)
    const assertion = await trusted.assert({ client_id: 'user-client' })
    const open = await gate.oauth.token({ grant_type: jwtBearer, assertion, client_id: 'user-client' })
    assert.equal(open.status, 400)
    assert.throws(
      () =>
        loadConfig({
          base: {
            clients: [{ id: 'x', grantTypes: [jwtBearer] }],
            grants: { identityAssertions: [{ issuer: trusted.issuer, jwksUri: trusted.jwksUri }] },
          },
        }),
      /clients\[0\]\.secret: is missing/,
    )
  })

  it('open no MCP server themselves (A60)', async () => {
    const token = await trusted.assert({ aud: gate.installation.mcpUrl })
    for (const sent of [token, await trusted.assert()])
      assert.equal((await gate.post(legacyRequest('tools/list'), { token: sent })).status, 401)
  })

  it('can give a token that is bound to a key (T9)', async () => {
    const key = await proofKey()
    const dpop = await key.prove({ url: `${gate.installation.url}/token` })
    const parameters = { grant_type: jwtBearer, assertion: await trusted.assert() }
    const wrong = { dpop: await key.prove({ url: 'https://elsewhere.example/token' }) }
    const unproven = await askAs(gate.oauth, 'desktop', parameters, { headers: wrong })
    assert.equal(unproven.body.error, 'invalid_dpop_proof', 'which leaves the assertion unused')
    const { body } = await askAs(gate.oauth, 'desktop', parameters, { headers: { dpop } })
    assert.equal(body['token_type'], 'DPoP')
    assert.deepEqual(decodeJwt(body.access_token)['cnf'], { jkt: key.thumbprint })
  })

  it('are still good where a client that has to prove a key forgot to (T9)', async () => {
    const key = await proofKey()
    const parameters = { grant_type: jwtBearer, assertion: await trusted.assert({ client_id: 'bound' }) }
    const without = await askAs(gate.oauth, 'bound', parameters)
    assert.equal(without.body.error, 'invalid_dpop_proof')
    const headers = { dpop: await key.prove({ url: `${gate.installation.url}/token` }) }
    const { status, body } = await askAs(gate.oauth, 'bound', parameters, { headers })
    assert.equal(status, 200, JSON.stringify(body))
  })

  it('that are bound to a key are for whoever proves that key (T8, T9)', async () => {
    const [key, other] = [await proofKey(), await proofKey()]
    const proofOf = async (by: typeof key): Promise<{ dpop: string }> => ({
      dpop: await by.prove({ url: `${gate.installation.url}/token` }),
    })
    const assertion = await trusted.assert({ cnf: { jkt: key.thumbprint } })
    const parameters = { grant_type: jwtBearer, assertion }
    await refused(askAs(gate.oauth, 'desktop', parameters), 'no proof')
    await refused(askAs(gate.oauth, 'desktop', parameters, { headers: await proofOf(other) }), 'another key')
    const { body } = await askAs(gate.oauth, 'desktop', parameters, { headers: await proofOf(key) })
    assert.deepEqual(
      decodeJwt(body.access_token)['cnf'],
      { jkt: key.thumbprint },
      'and are unused until then',
    )
    for (const cnf of [{ jwk: key.publicJwk }, { jkt: key.thumbprint, 'x5t#S256': 'one' }, {}, null, 'key']) {
      const unknown = { grant_type: jwtBearer, assertion: await trusted.assert({ cnf }) }
      const headers = await proofOf(key)
      await refused(askAs(gate.oauth, 'desktop', unknown, { headers }), JSON.stringify(cnf))
    }
  })

  it('are announced, and who may make them is not (AM11)', async () => {
    const read = async ({ installation }: GatedSpy): Promise<string> =>
      (await fetch(`${installation.url}/.well-known/oauth-authorization-server`)).text()
    const text = await read(gate)
    const metadata = JSON.parse(text) as Record<string, string[]>
    assert.deepEqual(metadata['authorization_grant_profiles_supported'], [
      'urn:ietf:params:oauth:grant-profile:id-jag',
    ])
    assert.ok(metadata['grant_types_supported']?.includes(jwtBearer))
    assert.doesNotMatch(text, new RegExp(`${trusted.issuer}|${second.issuer}`))
    const plain = await startGatedSpy()
    assert.doesNotMatch(await read(plain), /jwt-bearer|id-jag/)
    const { body } = await plain.oauth.token({ grant_type: jwtBearer, client_id: 'user-client' })
    assert.equal(body.error, 'unsupported_grant_type')
    await plain.close()
  })

  it('wait while the keys of their provider cannot be had', async () => {
    const gone = await startAssertionProvider(() => gate)
    await gone.close()
    const { issuer, jwksUri } = gone
    const lonely = await startGatedSpy({
      clients: [confidential('desktop', [jwtBearer])],
      grants: { identityAssertions: [{ issuer, jwksUri }] },
    })
    const { url, mcpUrl } = lonely.installation
    const assertion = await gone.assert({ aud: url, resource: mcpUrl })
    const { body } = await askAs(lonely.oauth, 'desktop', { grant_type: jwtBearer, assertion })
    assert.equal(body.error, 'temporarily_unavailable')
    assert.match(lonely.installation.log(), /cannot be had: connect ECONNREFUSED /)
    await lonely.close()
  })
})
