import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openConfiguredStore } from '../../src/compose/store.ts'
import { loadConfig } from '../../src/config/load.ts'
import { systemClock } from '../../src/core/clock.ts'
import { startInstallation } from '../support/installation.ts'
import { movableClock } from '../support/movable-clock.ts'
import { OAuthClient } from '../support/oauth.ts'

const redirect = 'http://127.0.0.1:1/callback'

describe('a client that registered (N16, A56)', () => {
  it('does not expire while it only refreshes, for however long', async (test) => {
    const clock = movableClock()
    const registration = { unusedSeconds: 3600, idleSeconds: 7200 }
    const config = { registration, tokens: { refreshIdleSeconds: 7200 } }
    const installation = await startInstallation({ config, clock })
    test.after(() => installation.close())
    const client = await OAuthClient.register(installation.url, { redirect_uris: [redirect] })
    let { refresh_token: token } = await client.signIn()
    for (let hour = 0; hour < 5; hour++) {
      clock.advance(3_600_000)
      const { status, body } = await client.refresh(token)
      assert.equal(status, 200, JSON.stringify(body))
      token = body.refresh_token
    }
    clock.advance(7_201_000 + 3_600_000)
    assert.equal((await client.refresh(token)).status, 401)
  })

  it('is kept as long as its refresh token lives, also when it has just been used (N16)', async (test) => {
    const clock = movableClock()
    const config = { registration: { idleSeconds: 7200 }, tokens: { refreshIdleSeconds: 7200 } }
    const installation = await startInstallation({ config, clock })
    test.after(() => installation.close())
    const client = await OAuthClient.register(installation.url, { redirect_uris: [redirect] })
    const { refresh_token: first } = await client.signIn()
    clock.advance(3_500_000)
    const { refresh_token: second } = (await client.refresh(first)).body
    clock.advance(7_100_000)
    const { status, body } = await client.refresh(second)
    assert.equal(status, 200, JSON.stringify(body))
  })

  it('comes back at any port of loopback, whatever type it said that it is (P3, N13)', async (test) => {
    const installation = await startInstallation()
    test.after(() => installation.close())
    const { url, data } = installation
    const metadata = { redirect_uris: [redirect], application_type: 'web' }
    const { clientId } = await OAuthClient.register(url, metadata)
    const { store } = await openConfiguredStore(loadConfig({ base: { data } }), systemClock)
    const known = await store.clients.find(clientId)
    assert.ok(known)
    const asBefore = { ...known, id: 'earlier', metadata: { ...known.metadata, application_type: 'web' } }
    await store.clients.register(asBefore, undefined)
    await store.close()
    for (const id of [clientId, 'earlier'])
      assert.ok(await new OAuthClient(url, id, 'http://127.0.0.1:2/callback').authorize(), id)
  })
})
