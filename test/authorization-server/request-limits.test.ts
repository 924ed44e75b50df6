import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import { request } from 'undici'
import { userCodeAttempts } from '../../src/authorization-server/device/user-code-attempts.ts'
import { storageAdapter } from '../../src/authorization-server/library/adapter.ts'
import { refuseTooLong, requestLimit } from '../../src/authorization-server/requests/request-limits.ts'
import { sweepStore } from '../../src/compose/sweep.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { countWith, inMemory } from '../../src/limits/count.ts'
import { adapterPorts } from '../support/adapter-ports.ts'
import { type SigningClient, signingClient } from '../support/client-assertion.ts'
import { sqliteEngine } from '../support/engines.ts'
import { type Installation, startInstallation, testClients } from '../support/installation.ts'
import { movableClock } from '../support/movable-clock.ts'
import { challengeOf, OAuthClient } from '../support/oauth.ts'

const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code'
const paths = ['/authorize', '/par', '/device_authorization', '/device'] as const

async function begin(test: TestContext, limits: ConfigInput['limits'] = {}): Promise<Installation> {
  const television = { id: 'television', grantTypes: [deviceCode] }
  const clients = [...testClients, television] as ConfigInput['clients']
  const installation = await startInstallation({ config: { clients, limits, grants: { deviceCode: 'on' } } })
  test.after(() => installation.close())
  return installation
}

/** A request as the gateway passes it on from this address. */
async function ask(
  { url, authorizationServerUrl }: Installation,
  path: (typeof paths)[number],
  { address = '192.0.2.1', accept = 'text/html', ...more }: Record<string, string> = {},
): Promise<Response> {
  const parameters = new URLSearchParams({
    client_id: path === '/device_authorization' ? 'television' : 'user-client',
    redirect_uri: 'http://127.0.0.1:1/callback',
    response_type: 'code',
    code_challenge: challengeOf('v'.repeat(43)),
    code_challenge_method: 'S256',
    ...more,
  })
  const type = 'application/x-www-form-urlencoded'
  const headers = { host: new URL(url).host, accept, 'x-forwarded-for': address, 'content-type': type }
  const isPost = path !== '/authorize' && path !== '/device'
  const query = isPost ? '' : `?${parameters.toString()}`
  const answer = await request(`${authorizationServerUrl}${path}${query}`, {
    headers,
    ...(isPost ? { method: 'POST', body: parameters.toString() } : {}),
  })
  const fields = Object.entries(answer.headers).map(([name, value]) => [name, String(value)])
  return new Response(await answer.body.text(), {
    status: answer.statusCode,
    headers: Object.fromEntries(fields) as Record<string, string>,
  })
}

describe('requests that anybody can have kept (A56)', () => {
  it('are so many for one network in a minute, together, and others are let in', async (test) => {
    const installation = await begin(test, { authorizationsPerNetwork: 4 })
    for (const path of paths) assert.ok((await ask(installation, path)).status < 400, path)
    for (const path of paths) {
      const refused = await ask(installation, path)
      assert.equal(refused.status, 429, path)
      assert.ok(Number(refused.headers.get('retry-after')) > 0)
      if (path === '/authorize' || path === '/device') {
        assert.match(await refused.text(), /Too many requests/)
        assert.match(refused.headers.get('content-security-policy') ?? '', /default-src 'none'/)
      } else assert.match(refused.headers.get('content-type') ?? '', /json/, 'no person is there')
      const document = await ask(installation, path, { accept: 'application/json' })
      assert.equal(((await document.json()) as { error: string }).error, 'temporarily_unavailable')
      assert.ok((await ask(installation, path, { address: '192.0.2.2' })).status < 400)
    }
  })

  it('are so many altogether', async (test) => {
    const installation = await begin(test, { authorizations: 3 })
    const statuses = []
    for (let index = 1; index <= 4; index++)
      statuses.push((await ask(installation, '/authorize', { address: `192.0.2.${index}` })).status)
    assert.deepEqual(statuses, [303, 303, 303, 429])
  })

  it('are not used up for others by a network that has had its share', async (test) => {
    test.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const requestLimits = { perNetwork: 1, total: 2 }
    const rateLimit = countWith(inMemory)
    const requests = requestLimit({ rateLimit, requestLimits }, 'authorizations')
    const from = (address: string) =>
      ({ headers: { 'x-forwarded-for': address } }) as unknown as IncomingMessage
    const takes = ['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.3'].map((address) =>
      requests.take(from(address)),
    )
    assert.deepEqual(await Promise.all(takes), [0, 60, 60, 0, 60])
    const others = requestLimit({ rateLimit, requestLimits }, 'assertions')
    assert.equal(await others.take(from('192.0.2.1')), 0, 'another kind is counted for itself')
  })

  it('have 4 KB of parameters at most, without what proves the client', async (test) => {
    const installation = await begin(test)
    for (const path of ['/authorize', '/par', '/device_authorization'] as const) {
      assert.ok((await ask(installation, path, { state: 's'.repeat(3500) })).status < 400, path)
      const refused = await ask(installation, path, { state: 's'.repeat(4096) })
      assert.equal(refused.status, 400, path)
      assert.match(await refused.text(), /too long/)
      const wide = await ask(installation, path, { state: 'é'.repeat(2100) })
      assert.equal(wide.status, 400, `${path}: bytes count, not letters`)
      const many = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`unknown_${index}`, 'x']))
      const document = await ask(installation, path, { ...many, accept: 'application/json' })
      assert.equal(((await document.json()) as { error: string }).error, 'invalid_request')
    }
    const proved = await ask(installation, '/par', { client_assertion: 'a'.repeat(6000) })
    assert.doesNotMatch(await proved.text(), /too large|too long/)
  })

  it('may be as long as that, however long the secret or the assertion is', () => {
    const ofLength = (length: number): string =>
      new URLSearchParams({ state: 's'.repeat(length - 5) }).toString()
    const proof = ['client_secret', 'client_assertion'].map((name) => `&${name}=${'x'.repeat(5000)}`).join('')
    refuseTooLong(ofLength(4096) + proof)
    assert.throws(() => refuseTooLong(ofLength(4097)), { error: 'invalid_request' })
  })

  it('are gone from the store soon after they have expired', async () => {
    const clock = movableClock()
    const home = await (await sqliteEngine()).create()
    const store = await home.open({ clock })
    const expiresAt = clock.now() + 600_000
    const brief = ['Interaction', 'DeviceCode', 'PushedAuthorizationRequest', 'ProviderVisit', 'Session']
    for (const model of [...brief, 'RefreshToken'])
      await store.artifacts.put({ model, id: 'x', payload: {}, expiresAt })
    const isKept = async (model: string) =>
      !(await store.artifacts.insertOnce({ model, id: 'x', payload: {} }))
    clock.advance(600_000 + 600_001)
    await sweepStore(store, clock)
    assert.equal(await isKept('RefreshToken'), true, 'presenting it again is how theft is noticed')
    for (const model of brief) assert.equal(await isKept(model), false, model)
    await store.close()
    await home.destroy()
  })
})

describe('ids of assertions, which are kept (A56)', () => {
  const start = async (
    test: TestContext,
    limits: ConfigInput['limits'] = { authorizationsPerNetwork: 3 },
  ): Promise<{ installation: Installation; signer: SigningClient }> => {
    const signer = await signingClient()
    const known = { id: 'signer', jwks: signer.jwks, grantTypes: ['client_credentials' as const] }
    const clients = [...testClients, { ...known, scopes: ['mcp:tools:read'] }] as ConfigInput['clients']
    const installation = await startInstallation({ config: { clients, limits } })
    test.after(() => installation.close())
    return { installation, signer }
  }
  const register = ({ url }: Installation, { jwks }: SigningClient): Promise<OAuthClient> =>
    OAuthClient.register(url, {
      redirect_uris: ['http://127.0.0.1:1/callback'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks,
    })

  it('are so many for one network in a minute of clients that registered themselves, and an operator’s have no bound', async (test) => {
    const { installation, signer } = await start(test)
    const stranger = await register(installation, signer)
    const introspect = async (id: string) =>
      stranger.token(
        { token: 'x', ...(await signer.authenticate(id, installation.url)) },
        { path: '/introspect' },
      )
    for (let index = 0; index < 3; index++) assert.equal((await introspect(stranger.clientId)).status, 200)
    const { status, headers, body } = await introspect(stranger.clientId)
    assert.equal(status, 429)
    assert.equal(body.error, 'temporarily_unavailable')
    assert.ok(Number(headers.get('retry-after')) > 0)
    for (let index = 0; index < 5; index++) assert.equal((await introspect('signer')).status, 200)
  })

  it('go in time also where the last second of an assertion was over when its id was kept', async () => {
    const clock = movableClock()
    const home = await (await sqliteEngine()).create()
    const store = await home.open({ clock })
    await storageAdapter(adapterPorts(store, clock))('ReplayDetection').upsert('x', {}, 0)
    clock.advance(600_001)
    await sweepStore(store, clock)
    assert.equal(await store.artifacts.find('ReplayDetection', 'x'), undefined)
    await store.close()
    await home.destroy()
  })

  it('do not count where tokens came of them', async (test) => {
    for (const limits of [{ authorizationsPerNetwork: 3 }, { authorizations: 3 }]) {
      const { installation, signer } = await start(test, limits)
      const stranger = await register(installation, signer)
      const proof = () => signer.authenticate(stranger.clientId, installation.url)
      let answer = await stranger.redeem(await stranger.authorize(), await proof())
      for (let index = 0; index < 5; index++) {
        assert.equal(answer.status, 200, JSON.stringify(answer.body))
        answer = await stranger.refresh(answer.body.refresh_token, await proof())
      }
    }
  })
})

describe('attempts to guess user codes', () => {
  it('are ten for a network in ten minutes, without those that were right (A56)', async (test) => {
    test.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
    const attempts = userCodeAttempts(countWith(inMemory))
    const addresses = Array.from({ length: 10 }, (_, index) => `2001:db8:1:${index}::1`)
    for (const address of addresses) assert.equal(await attempts.begin(address), true)
    assert.equal(await attempts.begin('2001:db8:1::2'), false)
    assert.equal(await attempts.begin('2001:db8:2::1'), true)
    await attempts.forgive('2001:db8:1:3::3')
    await attempts.forgive('2001:db8:1:4::4')
    assert.equal(await attempts.begin('2001:db8:1::2'), true)
    assert.equal(await attempts.begin('2001:db8:1::2'), false)
    test.mock.timers.tick(599_000)
    assert.equal(await attempts.begin('2001:db8:1::2'), false)
    test.mock.timers.tick(2000)
    assert.equal(await attempts.begin('2001:db8:1::2'), true)
  })
})
