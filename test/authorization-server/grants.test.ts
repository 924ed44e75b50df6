import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { grants } from '../../src/authorization-server/tokens/grants.ts'
import { openConfiguredStore } from '../../src/compose/store.ts'
import { loadConfig } from '../../src/config/load.ts'
import { systemClock as clock } from '../../src/core/clock.ts'
import { grantName } from '../../src/core/secret.ts'
import type { ArtifactStore } from '../../src/storage/artifact-contract.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { until } from '../support/until.ts'

let gate: GatedSpy
before(async () => {
  gate = await startGatedSpy()
})
after(() => gate.close())

describe('the end of a grant', () => {
  it('of all of them that is interrupted has ended every access token, and can be repeated', async () => {
    const browser = new FormBrowser({ fill: { name: 'ada' } })
    const tokens = [
      await gate.oauth.signIn({ scope: 'mcp:tools:read' }, browser),
      await gate.oauth.signIn({ scope: 'mcp:tools:read' }, browser),
      await gate.oauth.signIn({ scope: 'mcp:tools:read' }, browser),
    ]
    const { store } = await openConfiguredStore(loadConfig({ base: { data: gate.installation.data } }), clock)
    const { artifacts, revocations } = store
    const failing = { ...artifacts, removeGrants: () => Promise.reject(new Error('interrupted')) }
    await assert.rejects(grants({ artifacts: failing, revocations, clock }).revokeAll('ada'), /interrupted/)
    const call = async (token: string): Promise<number> =>
      (await gate.post(legacyRequest('tools/list'), { token })).status
    for (const { access_token: token } of tokens)
      await until(async () => (await call(token)) === 401, 'the token has ended')
    assert.equal(await grants({ artifacts, revocations, clock }).revokeAll('ada'), 3)
    for (const { refresh_token: token } of tokens)
      assert.equal((await gate.oauth.refresh(token)).body.error, 'invalid_grant')
    await store.close()
  })

  it('ends the tokens of all grants of an account, or of a client, before it removes any', async () => {
    const { store } = await openConfiguredStore(loadConfig({ base: { data: gate.installation.data } }), clock)
    const put = (id: string, accountId: string, clientId: string) =>
      store.artifacts.put({ model: 'Grant', id, grantId: id, payload: { jti: id }, accountId, clientId })
    const many = Array.from({ length: 600 }, (_, index) => `grant ${index}`)
    await Promise.all(many.map((id) => put(id, 'giver', 'taker')))
    await put('of another', 'another giver', 'taker')
    await put('to another', 'another giver', 'another taker')
    const isEnded = (id: string): Promise<boolean> => store.revocations.has('grant', grantName(id))
    const removed: (readonly string[])[] = []
    const artifacts: ArtifactStore = {
      ...store.artifacts,
      async removeGrants(ids) {
        removed.push(ids)
        for (const id of ids) assert.ok(await isEnded(id), id)
        return store.artifacts.removeGrants(ids)
      },
    }
    const ending = grants({ artifacts, revocations: store.revocations, clock })
    assert.equal(await ending.revokeAll('giver'), 600)
    assert.deepEqual(new Set(removed[0]), new Set(many))
    assert.equal(await ending.revokeAllOf('taker'), 1)
    assert.equal(await ending.revokeAll('another giver', 'taker'), 0)
    assert.ok(!(await isEnded('to another')))
    assert.ok(await store.artifacts.find('Grant', 'to another'))
    await store.close()
  })
})

describe('what an account has granted', () => {
  it('is listed without what is over, the newest first', async () => {
    const { store } = await openConfiguredStore(loadConfig({ base: { data: gate.installation.data } }), clock)
    const now = Math.floor(clock.now() / 1000)
    for (const [id, iat, exp] of [
      ['old', now - 300, now + 300],
      ['over', now - 200, now - 1],
      ['new', now - 100, undefined],
      ['middle', now - 200, now + 600],
    ] as const) {
      const payload = { jti: id, accountId: 'lister', clientId: 'taker', iat, exp }
      await store.artifacts.put({ model: 'Grant', id, grantId: id, accountId: 'lister', payload })
    }
    const listed = await grants({ ...store, clock }).list('lister')
    assert.deepEqual(
      listed.map(({ id }) => id),
      ['new', 'middle', 'old'],
    )
    await store.close()
  })
})
