import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Store } from '../../src/storage/contract.ts'
import type { MovableClock } from '../support/movable-clock.ts'

/** What every store must do with remembered consent. `store` and `other` are two tenants of it. */
export function consentContract(
  { store, other }: { readonly store: () => Store; readonly other: () => Store },
  clock: MovableClock,
): void {
  describe('consents', () => {
    const question = {
      accountId: 'ada',
      clientId: 'c',
      redirectHost: 'https://app.example',
      resource: 'https://gw.example/mcp',
      clientDigest: 'as described now',
    }

    it('add up scope by scope, whoever remembers at once', async () => {
      const scopes = Array.from({ length: 20 }, (_, index) => `s${index}`)
      await Promise.all(
        scopes.map((scope) => store().consents.remember(question, [scope, 's0'], clock.now() + 60_000)),
      )
      assert.deepEqual((await store().consents.scopes(question)).toSorted(), scopes.toSorted())
      await store().consents.remember(question, [], clock.now() + 60_000)
    })

    it('count for the very same question alone', async () => {
      for (const [field, value] of Object.entries(question)) {
        assert.deepEqual(await store().consents.scopes({ ...question, [field]: `${value}x` }), [], field)
      }
      const changed = { ...question, clientDigest: 'as described later' }
      await store().consents.remember(changed, ['s1'], clock.now() + 60_000)
      assert.deepEqual(await store().consents.scopes(changed), ['s1'])
      assert.ok(!(await store().consents.scopes(question)).includes('s1'), 'not for the earlier description')
    })

    it('end with time, are forgotten with their client, and are swept', async () => {
      const others = { ...question, clientId: 'd' }
      const late = clock.now() + 10_000
      await store().consents.remember(question, ['short'], clock.now() + 1000)
      await store().consents.remember(others, ['short'], clock.now() + 1000)
      await store().consents.remember(others, ['long'], late)
      await store().consents.forget('ada', 'c')
      await store().consents.forget('grace')
      assert.deepEqual(await store().consents.scopes(question), [])
      assert.deepEqual((await store().consents.scopes(others)).toSorted(), ['long', 'short'])
      clock.advance(2000)
      assert.deepEqual(await store().consents.scopes(others), ['long'])
      const { resource } = others
      await store().consents.remember({ ...others, accountId: 'hopper' }, ['long'], late)
      const remaining = [{ clientId: 'd', resource, scope: 'long', expiresAt: late }]
      assert.deepEqual(await store().consents.list('ada'), remaining)
      assert.deepEqual(await other().consents.list('ada'), [])
      assert.equal(await store().consents.sweep(clock.now()), 1)
      await store().consents.forget('ada')
      assert.deepEqual(await store().consents.scopes(others), [])
    })

    it('are forgotten with a client, whoever agreed', async () => {
      const soon = clock.now() + 60_000
      const ofGrace = { ...question, accountId: 'grace' }
      const spared = { ...question, clientId: 'd' }
      for (const one of [question, ofGrace, spared]) await store().consents.remember(one, ['s'], soon)
      await store().consents.forgetClient('c')
      assert.deepEqual(await store().consents.scopes(question), [])
      assert.deepEqual(await store().consents.scopes(ofGrace), [])
      assert.deepEqual(await store().consents.scopes(spared), ['s'])
      await store().consents.forgetClient('d')
    })

    it('are those of one tenant', async () => {
      await store().consents.remember(question, ['s'], clock.now() + 60_000)
      assert.deepEqual(await other().consents.scopes(question), [])
      await other().consents.forget(question.accountId)
      await other().consents.forgetClient(question.clientId)
      assert.deepEqual(await store().consents.scopes(question), ['s'])
    })
  })
}
