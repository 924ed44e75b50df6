import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { grants } from '../../src/authorization-server/grants.ts'
import { openConfiguredStore } from '../../src/compose/store.ts'
import { loadConfig } from '../../src/config/load.ts'
import { systemClock as clock } from '../../src/core/clock.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'

let gate: GatedSpy
before(async () => {
  gate = await startGatedSpy()
})
after(() => gate.close())

describe('the end of a grant', () => {
  it('that is interrupted has ended the access tokens, and can be repeated', async () => {
    const browser = new FormBrowser({ fill: { name: 'ada' } })
    const tokens = await gate.oauth.signIn({ scope: 'mcp:tools:read' }, browser)
    const { store } = await openConfiguredStore(loadConfig({ base: { data: gate.installation.data } }), clock)
    const { artifacts, revocations } = store
    const failing = { ...artifacts, removeGrant: () => Promise.reject(new Error('interrupted')) }
    await assert.rejects(grants({ artifacts: failing, revocations, clock }).revokeAll('ada'), /interrupted/)
    const call = async (): Promise<number> =>
      (await gate.post(legacyRequest('tools/list'), { token: tokens.access_token })).status
    for (let attempt = 0; attempt < 50 && (await call()) === 200; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    assert.equal(await call(), 401)
    assert.equal(await grants({ artifacts, revocations, clock }).revokeAll('ada'), 1)
    assert.equal((await gate.oauth.refresh(tokens.refresh_token)).body.error, 'invalid_grant')
    await store.close()
  })
})
