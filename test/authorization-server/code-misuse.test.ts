import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it, mock } from 'node:test'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { startInstallation } from '../support/installation.ts'
import { type IssuedCode, OAuthClient, type TokenAnswer } from '../support/oauth.ts'

let gate: GatedSpy
let client: OAuthClient
let thief: OAuthClient
before(async () => {
  gate = await startGatedSpy()
  client = gate.oauth
  thief = await OAuthClient.register(gate.installation.url, {
    redirect_uris: ['http://127.0.0.1:1/callback'],
  })
})
after(() => gate.close())
afterEach(() => mock.timers.reset())

const scope = 'mcp:tools:read'
const statusWith = async (token: string): Promise<number> =>
  (await gate.post(legacyRequest('ping'), { token })).status

describe('a code in the wrong hands', () => {
  it('gives another client nothing, although it has verifier and redirect URI, and stays good (A44)', async () => {
    const issued = await client.authorize({ scope })
    const { status, body } = await thief.redeem(issued)
    assert.deepEqual([status, body.error], [400, 'invalid_grant'])
    assert.equal(body.access_token, undefined)
    assert.equal((await client.redeem(issued)).status, 200, 'a stranger cannot spoil the code of a client')
  })

  it('gives another client nothing after it was used, and ends nothing (A43, A44)', async () => {
    const issued = await client.authorize({ scope })
    const { body: given } = await client.redeem(issued)
    const { status, body } = await thief.redeem(issued)
    assert.deepEqual([status, body.error], [400, 'invalid_grant'])
    assert.equal(await statusWith(given.access_token), 200)
    assert.equal((await client.refresh(given.refresh_token)).status, 200)
  })

  it('gives nothing for another redirect URI, also one that the client may use (A44)', async () => {
    const wide = await OAuthClient.register(gate.installation.url, {
      redirect_uris: ['https://app.example/one', 'https://app.example/two'],
    })
    for (const redirect_uri of [
      'https://app.example/two',
      'https://app.example/one/',
      'https://evil.example/one',
    ]) {
      const { status, body } = await wide.redeem(await wide.authorize({ scope }), { redirect_uri })
      assert.deepEqual([status, body.error], [400, 'invalid_grant'], redirect_uri)
    }
  })
})

describe('a code that its own client spoils', () => {
  it('is used up by a request for another server, which gives nothing (P9, A44)', async () => {
    const issued = await client.authorize({ scope })
    const { body } = await client.redeem(issued, { resource: 'https://elsewhere.example/mcp' })
    assert.equal(body.error, 'invalid_target')
    assert.equal((await client.redeem(issued)).body.error, 'invalid_grant')
  })
})

describe('a code without its redirect URI, which OAuth 2.1 has taken out of the token request (P9)', () => {
  /** Redeems as a client of OAuth 2.1 does. */
  const redeem = (
    { code, verifier }: Pick<IssuedCode, 'code' | 'verifier'>,
    overrides: Record<string, string> = {},
  ): Promise<TokenAnswer> =>
    client.token({
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      client_id: client.clientId,
      ...overrides,
    })

  it('is redeemed, also of a client with several and for a port that is not registered', async () => {
    const wide = await OAuthClient.register(gate.installation.url, {
      redirect_uris: ['https://app.example/one', 'https://app.example/two'],
    })
    const native = await OAuthClient.register(gate.installation.url, {
      redirect_uris: ['http://127.0.0.1/callback'],
    })
    for (const [who, redirectUri] of [
      [wide, 'https://app.example/two'],
      [native, 'http://127.0.0.1:43210/callback'],
    ] as const) {
      const issued = await who.authorize({ scope, redirectUri })
      const { status, body } = await redeem(issued, { client_id: who.clientId })
      assert.equal(status, 200, JSON.stringify(body))
      assert.equal(await statusWith(body.access_token), 200)
    }
    const empty = await redeem(await client.authorize({ scope }), { redirect_uri: '' })
    assert.equal(empty.status, 200, 'a parameter without a value was not sent')
  })

  it('is refused as it is with one', async () => {
    const issued = await client.authorize({ scope })
    const refused = async (overrides: Record<string, string>): Promise<string> =>
      (await redeem(issued, overrides)).body.error
    assert.equal(await refused({ client_id: thief.clientId }), 'invalid_grant')
    assert.equal(await refused({ code: 'made-up' }), 'invalid_grant')
    assert.equal(await refused({ code: '' }), 'invalid_request')
    assert.equal(await refused({ code_verifier: 'x'.repeat(43) }), 'invalid_grant')
    assert.equal(await refused({ code_verifier: '' }), 'invalid_grant')
    const { body } = await redeem(issued)
    assert.equal(await statusWith(body.access_token), 200)
    assert.equal(await refused({}), 'invalid_grant')
    assert.equal(await statusWith(body.access_token), 401, 'a second use takes back what the first gave')
  })
})

describe('a code that comes late (P9)', () => {
  it('is refused after a minute, and after ten where that is configured (A43)', async () => {
    const patient = await startInstallation({ config: { tokens: { codeSeconds: 600 } } })
    for (const [late, seconds] of [
      [client, 60],
      [new OAuthClient(patient.url), 600],
    ] as const) {
      mock.timers.enable({ apis: ['Date'], now: Date.now() })
      const [inTime, tooLate] = [await late.authorize({ scope }), await late.authorize({ scope })]
      mock.timers.tick((seconds - 5) * 1000)
      const first = await late.redeem(inTime)
      assert.equal(first.status, 200, JSON.stringify(first.body))
      mock.timers.tick(6000)
      const { status, body } = await late.redeem(tooLate)
      assert.deepEqual([status, body.error], [400, 'invalid_grant'])
      mock.timers.reset()
    }
    await patient.close()
  })

  it('is refused when it comes a second time late, and ends what it gave (A43)', async () => {
    mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const issued = await client.authorize({ scope })
    const { body } = await client.redeem(issued)
    mock.timers.tick(30_000)
    assert.equal((await client.redeem(issued)).body.error, 'invalid_grant')
    assert.equal(await statusWith(body.access_token), 401)
    assert.equal((await client.refresh(body.refresh_token)).body.error, 'invalid_grant')
  })
})
