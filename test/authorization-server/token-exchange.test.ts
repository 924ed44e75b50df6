import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import { loadConfig } from '../../src/config/load.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { askAs, clientSecret, confidential } from '../support/confidential.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { testClients } from '../support/installation.ts'
import { type MovableClock, movableClock } from '../support/movable-clock.ts'
import type { TokenAnswer } from '../support/oauth.ts'
import { proofKey } from '../support/proofs.ts'

const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessToken = 'urn:ietf:params:oauth:token-type:access_token'

const clients: ConfigInput['clients'] = [
  confidential('brief', [exchange], { accessTokenSeconds: 120 }),
  ...testClients,
  confidential('agent', [exchange, 'client_credentials'], { scopes: ['mcp:tools', 'mcp:prompts:list'] }),
  confidential('prover', [exchange], { dpop: 'required' }),
  confidential('helper', [exchange], { upstreams: ['spy', 'other'] }),
  confidential('outsider', ['client_credentials'], { scopes: ['mcp:*'] }),
]

let gate: GatedSpy
let clock: MovableClock
let other: string
let subject: string
before(async () => {
  clock = movableClock()
  const config: ConfigInput = {
    clients,
    grants: { tokenExchange: 'on' },
    upstreams: [
      { name: 'spy', path: '/mcp', url: 'http://127.0.0.1:9/mcp' },
      { name: 'other', path: '/other/mcp', url: 'http://127.0.0.1:9/mcp' },
    ],
  }
  gate = await startGatedSpy(config, clock)
  other = `${gate.installation.url}/other/mcp`
  subject = await gate.tokenFor('mcp:tools:read mcp:tools:execute mcp:resources:read', 'alice')
})
after(() => gate.close())

const ask = (id: string, parameters: Record<string, string> = {}, headers = {}): Promise<TokenAnswer> =>
  askAs(
    gate.oauth,
    id,
    { grant_type: exchange, subject_token: subject, subject_token_type: accessToken, ...parameters },
    { headers },
  )
const machineRequest = (): Record<string, string> => ({
  grant_type: 'client_credentials',
  resource: gate.installation.mcpUrl,
})
/** There is no server behind: what passes the gate gets 502. */
const statusWith = async (token: string, path = '/mcp'): Promise<number> =>
  (await gate.post(legacyRequest('tools/list'), { token, path })).status

describe('token exchange (RFC 8693)', () => {
  it('gives the client a token of its own for the user, with what token and client have in common', async () => {
    const { status, body } = await ask('agent', { requested_token_type: accessToken })
    assert.equal(status, 200, JSON.stringify(body))
    assert.deepEqual([body['issued_token_type'], body['token_type']], [accessToken, 'Bearer'])
    assert.equal(body.refresh_token, undefined)
    const claims = decodeJwt(body.access_token)
    const given = decodeJwt(subject)
    assert.equal(claims.sub, 'alice')
    assert.equal(claims['client_id'], 'agent')
    assert.equal(claims.aud, gate.installation.mcpUrl)
    assert.equal(claims['scope'], 'mcp:tools:read mcp:tools:execute')
    assert.deepEqual(claims['act'], { sub: 'agent' })
    assert.equal(claims['gid'], given['gid'])
    assert.ok((claims.exp ?? 0) <= (given.exp ?? 0))
    assert.equal(await statusWith(body.access_token), 502)
    const entry = (await gate.installation.audit()).findLast(({ grantType }) => grantType === exchange)
    assert.deepEqual([entry?.subject, entry?.clientId, entry?.outcome], ['alice', 'agent', 'allowed'])
  })

  it('never gives more than the token, nor more than the client may have', async () => {
    const { body } = await ask('agent', { scope: 'mcp:tools:read' })
    assert.equal(body.scope, 'mcp:tools:read')
    for (const scope of [
      'mcp:prompts:list',
      'mcp:resources:read',
      'mcp:tools',
      'mcp:*',
      'mcp:tools:read made:up',
    ])
      assert.match(JSON.stringify((await ask('agent', { scope })).body), /invalid_scope.*do not both/)
    const narrow = await gate.tokenFor('mcp:tools:read', 'narrow')
    const again = { subject_token: (await ask('helper', { subject_token: narrow })).body.access_token }
    assert.equal((await ask('helper', { ...again, scope: 'mcp:tools:execute' })).body.error, 'invalid_scope')
  })

  it('keeps the chain of those who handed the token on, the newest outermost', async () => {
    let handed = (await ask('agent')).body.access_token
    handed = (await ask('helper', { subject_token: handed })).body.access_token
    assert.deepEqual(decodeJwt(handed)['act'], { sub: 'helper', act: { sub: 'agent' } })
    for (const id of ['agent', 'helper', 'agent'])
      handed = (await ask(id, { subject_token: handed })).body.access_token
    assert.equal((await ask('helper', { subject_token: handed })).body.error, 'invalid_request')
  })

  it('names the actor of an actor token, which must be the client’s own', async () => {
    const own = await askAs(gate.oauth, 'agent', machineRequest())
    const actor = { actor_token: own.body.access_token, actor_token_type: accessToken }
    assert.deepEqual(decodeJwt((await ask('agent', actor)).body.access_token)['act'], { sub: 'agent' })
    assert.equal((await ask('helper', actor)).body.error, 'invalid_request')
    assert.equal((await ask('agent', { actor_token: 'x' })).body.error, 'invalid_request')
    const ofUser = (await ask('agent')).body.access_token
    assert.equal(decodeJwt(ofUser)['client_id'], 'agent')
    const user = { ...actor, actor_token: ofUser }
    assert.equal((await ask('agent', user)).body.error, 'invalid_request', 'a user is no actor')
    assert.equal((await ask('agent', { ...actor, actor_token: 'x' })).body.error, 'invalid_request')
  })

  it('goes to another server only for a client that the operator lets go there', async () => {
    for (const parameters of [{ resource: other }, { audience: 'other' }, { resource: `${other}/` }]) {
      assert.equal((await ask('agent', parameters)).body.error, 'invalid_target')
      const { body } = await ask('helper', parameters)
      assert.equal(decodeJwt(body.access_token).aud, other)
      assert.equal(await statusWith(body.access_token, '/other/mcp'), 502)
      assert.equal(await statusWith(body.access_token), 401)
    }
    const elsewhere = { resource: 'https://elsewhere.example/' }
    assert.equal((await ask('helper', elsewhere)).body.error, 'invalid_target')
    const two = { resource: gate.installation.mcpUrl, audience: 'other' }
    assert.equal((await ask('helper', two)).body.error, 'invalid_target')
  })

  it('takes nothing but an access token of ours that is valid', async () => {
    const [head, , signature] = subject.split('.')
    const forged = Buffer.from(JSON.stringify({ ...decodeJwt(subject), sub: 'root' })).toString('base64url')
    const resource = gate.installation.mcpUrl
    const { id_token: idToken } = await gate.oauth.signIn({ scope: 'openid mcp:tools:read', resource })
    const wrong: Record<string, string>[] = [
      { subject_token: `${head}.${forged}.${signature}` },
      { subject_token: String(idToken) },
      { actor_token_type: accessToken },
      { subject_token: 'nonsense' },
      { subject_token: '' },
      { subject_token_type: 'urn:ietf:params:oauth:token-type:id_token' },
      { subject_token_type: '' },
      { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
    ]
    for (const parameters of wrong) {
      const { status, body } = await ask('agent', parameters)
      assert.equal(status, 400, JSON.stringify(parameters))
      assert.equal(body.error, 'invalid_request', JSON.stringify(parameters))
    }
    const without = await askAs(gate.oauth, 'agent', { grant_type: exchange })
    assert.deepEqual([without.status, without.body.error], [400, 'invalid_request'])
    const machine = await askAs(gate.oauth, 'outsider', machineRequest())
    assert.equal(machine.status, 200)
    const foreign = await ask('agent', { subject_token: machine.body.access_token })
    assert.equal(foreign.body.error, 'invalid_request', 'a machine is nobody’s user')
  })

  it('says which of its parameters is missing, and what a type must be', async () => {
    const said = async (parameters: Record<string, string>): Promise<string> => {
      const { body } = await askAs(gate.oauth, 'agent', { grant_type: exchange, ...parameters })
      return String(body['error_description']).replace(/ \(request .*/, '')
    }
    assert.equal(await said({}), 'subject_token is missing')
    assert.equal(await said({ subject_token_type: accessToken }), 'subject_token is missing')
    const token = { subject_token: subject }
    for (const wrong of [{}, { subject_token_type: 'access_token' }])
      assert.equal(await said({ ...token, ...wrong }), `subject_token_type must be ${accessToken}`)
    const unusual = { subject_token_type: accessToken, requested_token_type: 'id_token' }
    assert.equal(await said({ ...token, ...unusual }), `requested_token_type must be ${accessToken}`)
  })

  it('is for clients that have the grant, and that authenticate themselves', async () => {
    assert.equal((await ask('outsider')).body.error, 'unauthorized_client')
    const parameters = { grant_type: exchange, subject_token: subject, subject_token_type: accessToken }
    for (const client_id of ['user-client', 'agent'])
      assert.notEqual((await gate.oauth.token({ ...parameters, client_id })).status, 200, client_id)
    const registered = await fetch(`${gate.installation.url}/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        redirect_uris: ['http://127.0.0.1:1/callback'],
        grant_types: ['authorization_code', exchange, 'client_credentials'],
        token_endpoint_auth_method: 'client_secret_post',
      }),
    })
    const { client_id, client_secret } = (await registered.json()) as Record<string, string>
    for (const grant_type of [exchange, 'client_credentials']) {
      const { status } = await gate.oauth.token({
        ...parameters,
        grant_type,
        client_id: String(client_id),
        client_secret: String(client_secret),
      })
      assert.equal(status, 400, `${grant_type} (T7)`)
    }
  })

  it('ends with the grant that the token came from', async () => {
    const browser = new FormBrowser({ fill: { name: 'bob' } })
    const tokens = await gate.oauth.signIn(
      { scope: 'mcp:tools:read', resource: gate.installation.mcpUrl },
      browser,
    )
    const first = await ask('agent', { subject_token: tokens.access_token })
    const second = await ask('helper', { subject_token: first.body.access_token })
    for (const { body } of [first, second]) assert.equal(await statusWith(body.access_token), 502)
    await gate.oauth.token({ token: tokens.refresh_token, client_id: 'user-client' }, { path: '/revoke' })
    for (const { body } of [first, second]) assert.equal(await statusWith(body.access_token), 401)
    const late = await ask('agent', { subject_token: tokens.access_token })
    assert.equal(late.body.error, 'invalid_request')
  })

  it('gives nothing that outlives the revocation of the token it was given, however often handed on', async () => {
    const given = (
      await gate.oauth.signIn(
        { scope: 'mcp:tools:read', resource: gate.installation.mcpUrl },
        new FormBrowser({ fill: { name: 'erin' } }),
      )
    ).access_token
    const first = (await ask('agent', { subject_token: given })).body.access_token
    const second = (await ask('helper', { subject_token: first })).body.access_token
    const active = async (id: string, token: string): Promise<unknown> =>
      (await askAs(gate.oauth, id, { token }, { path: '/introspect' })).body['active']
    assert.equal(await active('helper', second), true)
    await gate.oauth.token({ token: given, client_id: 'user-client' }, { path: '/revoke' })
    for (const token of [given, first, second]) {
      assert.equal(await statusWith(token), 401)
      assert.equal(await active('helper', token), false)
      assert.equal((await ask('helper', { subject_token: token })).body.error, 'invalid_request')
    }
  })

  it('keeps a want of scopes from the client that was handed the token, not from the user’s client', async () => {
    const tokens = await gate.oauth.signIn(
      { scope: 'mcp:tools:read', resource: gate.installation.mcpUrl },
      new FormBrowser({ fill: { name: 'carol' } }),
    )
    const { body } = await ask('agent', { subject_token: tokens.access_token })
    const call = legacyRequest('tools/call', { name: 'x' })
    assert.equal((await gate.post(call, { token: body.access_token })).status, 403)
    assert.equal((await gate.oauth.refresh(tokens.refresh_token)).status, 200)
  })

  it('gives no token that lives longer than the one it was given', async () => {
    const fresh = await gate.tokenFor('mcp:tools:read', 'dora')
    assert.ok(Number((await ask('agent', { subject_token: fresh })).body['expires_in']) > 3500)
    const brief = (await ask('brief', { subject_token: fresh })).body
    assert.equal(brief['expires_in'], 120, 'as its operator says')
    const own = (await askAs(gate.oauth, 'agent', machineRequest())).body.access_token
    const { iat = 0, exp = 0 } = decodeJwt(own)
    while (Date.now() < (iat + 1) * 1000) await setTimeout(20)
    const later = await gate.tokenFor('mcp:tools:read', 'dorothy')
    const actor = { subject_token: later, actor_token: own, actor_token_type: accessToken }
    const acted = decodeJwt((await ask('agent', actor)).body.access_token)
    assert.ok((acted.exp ?? 0) <= exp, 'nor than that of its actor')
    clock.advance(-2000) // so that more is left by our clock than by that of the library, which signs
    const { access_token: handed } = (await ask('helper', { subject_token: brief.access_token })).body
    const { exp: ends } = decodeJwt(brief.access_token)
    assert.equal(decodeJwt(handed).exp, ends, 'not even by what passes until it is signed')
    clock.advance(1802_000)
    assert.ok(Number((await ask('agent', { subject_token: fresh })).body['expires_in']) <= 1800)
    clock.advance(-1800_000)
  })

  it('binds the new token to the key of a proof, and takes a bound token from its owner alone (T9)', async () => {
    const url = `${gate.installation.url}/token`
    const key = await proofKey()
    const { body } = await ask('agent', {}, { dpop: await key.prove({ url }) })
    assert.equal(body['token_type'], 'DPoP')
    assert.deepEqual(decodeJwt(body.access_token)['cnf'], { jkt: key.thumbprint })
    const bound = { subject_token: body.access_token }
    assert.equal((await ask('agent', bound)).body.error, 'invalid_request')
    const thief = await proofKey()
    const stolen = await ask('agent', bound, { dpop: await thief.prove({ url }) })
    assert.equal(stolen.body.error, 'invalid_request')
    const again = await ask('agent', bound, { dpop: await key.prove({ url }) })
    assert.equal(again.body['token_type'], 'DPoP')
    const proof = await key.prove({ url })
    assert.equal((await ask('agent', {}, { dpop: proof })).status, 200)
    const twice = await ask('agent', {}, { dpop: proof })
    assert.deepEqual([twice.status, twice.body.error], [400, 'invalid_dpop_proof'], 'a proof is good once')
    const introspected = await askIntrospection(again.body.access_token)
    assert.equal(introspected['token_type'], 'DPoP')
    const { body: without } = await ask('prover')
    assert.equal(without.error, 'invalid_dpop_proof', 'of some clients a proof is required')
  })

  async function askIntrospection(token: string): Promise<Record<string, unknown>> {
    const basic = Buffer.from(`agent:${clientSecret}`).toString('base64')
    const headers = { authorization: `Basic ${basic}` }
    return (await gate.oauth.token({ token }, { path: '/introspect', headers })).body
  }
})

describe('token exchange where it is off (A61)', () => {
  it('does not exist', async () => {
    const plain = await startGatedSpy()
    const { body } = await plain.oauth.token({ grant_type: exchange, client_id: 'user-client' })
    assert.equal(body.error, 'unsupported_grant_type')
    await plain.close()
    assert.throws(
      () => loadConfig({ base: { clients: [confidential('x', [exchange])] } }),
      /works only with grants\.tokenExchange: on/,
    )
    assert.throws(
      () =>
        loadConfig({
          base: { clients: [{ id: 'x', grantTypes: [exchange] }], grants: { tokenExchange: 'on' } },
        }),
      /clients\[0\]\.secret: is missing/,
    )
  })
})
