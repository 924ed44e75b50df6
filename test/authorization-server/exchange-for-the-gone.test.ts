import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mintDevelopmentToken } from '../../src/authorization-server/tokens/development-token.ts'
import { openConfiguredStore } from '../../src/compose/store.ts'
import { loadConfig } from '../../src/config/load.ts'
import { systemClock } from '../../src/core/clock.ts'
import { openKeyRing } from '../../src/keys/key-ring.ts'
import { askAs, confidential } from '../support/confidential.ts'
import { startGatedSpy } from '../support/gated-spy.ts'
import { goodPassword, openPeople } from '../support/people.ts'

const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessToken = 'urn:ietf:params:oauth:token-type:access_token'

describe('token exchange (RFC 8693)', () => {
  it('is for no user who is not there any more, though their token has not ended', async (test) => {
    const local = await startGatedSpy({
      clients: [confidential('agent', [exchange])],
      grants: { tokenExchange: 'on' },
      login: { users: 'local' },
    })
    test.after(() => local.close())
    const { data, url, mcpUrl } = local.installation
    const people = await openPeople(local.installation)
    const { id } = await people.add({ name: 'grace', password: goodPassword })
    await people.close()
    const { store } = await openConfiguredStore(loadConfig({ base: { data } }), systemClock)
    const ring = { store: store.keys, purpose: 'authorization-server', clock: systemClock } as const
    const keys = await openKeyRing({ ...ring, algorithm: 'ES256' })
    const answers = []
    for (const user of [id, 'usr_gone']) {
      const token = { issuer: url, resource: mcpUrl, user, scope: 'mcp:tools:read', lifetimeSeconds: 60 }
      const subjectToken = await mintDevelopmentToken(keys, systemClock, token)
      const asked = { grant_type: exchange, subject_token: subjectToken, subject_token_type: accessToken }
      const { status, body } = await askAs(local.oauth, 'agent', asked)
      answers.push([status, body.error])
    }
    await store.close()
    assert.deepEqual(answers, [
      [200, undefined],
      [400, 'invalid_request'],
    ])
    assert.match(local.installation.log(), /the user of subject_token is not known any more/)
  })
})
