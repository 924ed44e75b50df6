import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it, mock } from 'node:test'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'

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
    const issued = await wide.authorize({ scope })
    const missing = await wide.token({
      grant_type: 'authorization_code',
      code: issued.code,
      code_verifier: issued.verifier,
      client_id: wide.clientId,
    })
    assert.equal(missing.status, 400)
    assert.equal(missing.body.access_token, undefined)
  })
})

describe('a code that comes late (P9)', () => {
  it('is refused after a minute, and after ten where that is configured (A43)', async () => {
    const patient = await startInstallation({ config: { tokens: { codeSeconds: 600 } } })
    for (const [late, seconds] of [
      [client, 60],
      [new OAuthClient(patient.url), 600],
    ] as const) {
      const [inTime, tooLate] = [await late.authorize({ scope }), await late.authorize({ scope })]
      mock.timers.enable({ apis: ['Date'], now: Date.now() })
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
    const issued = await client.authorize({ scope })
    const { body } = await client.redeem(issued)
    mock.timers.enable({ apis: ['Date'], now: Date.now() })
    mock.timers.tick(30_000)
    assert.equal((await client.redeem(issued)).body.error, 'invalid_grant')
    assert.equal(await statusWith(body.access_token), 401)
    assert.equal((await client.refresh(body.refresh_token)).body.error, 'invalid_grant')
  })
})
