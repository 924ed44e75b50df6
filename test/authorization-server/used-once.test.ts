import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Provider } from '../../src/authorization-server/library/library.ts'
import { refuseSeenBefore, SeenBefore } from '../../src/authorization-server/library/seen-once.ts'
import {
  findPushedRequest,
  pushedRequestModel,
  usePushedRequest,
} from '../../src/authorization-server/requests/pushed-requests.ts'
import { openStore } from '../../src/storage/open.ts'
import { testSecret } from '../support/engines.ts'
import { movableClock } from '../support/movable-clock.ts'

describe('an identifier that may be used once', () => {
  it('was used where another request has stored it meanwhile, and a store that fails says nothing of that', async () => {
    let fails: Error | undefined
    const provider = {
      ReplayDetection: {
        async unique() {
          if (fails !== undefined) throw fails
          return true
        },
      },
    } as unknown as InstanceType<typeof Provider>
    refuseSeenBefore(provider)
    const unique = () => provider.ReplayDetection.unique('issuer', 'jti', 1)
    assert.equal(await unique(), true)
    fails = new SeenBefore()
    assert.equal(await unique(), false)
    fails = new Error('the store is away')
    await assert.rejects(unique(), /the store is away/)
  })
})

/** A store with a pushed request, and how to go on as the decision with this id. */
async function open(test: TestContext) {
  const clock = movableClock()
  const store = await openStore({ folder: undefined, secret: testSecret, clock })
  test.after(() => store.close())
  const ports = { artifacts: store.artifacts, clock }
  await store.artifacts.put({
    model: pushedRequestModel,
    id: 'one',
    payload: {},
    expiresAt: clock.now() + 60_000,
  })
  let uid: string | undefined
  test.mock.getter(Provider, 'ctx', () => ({
    oidc: { entities: uid === undefined ? {} : { Interaction: { uid } } },
  }))
  const as = async <T>(decision: string | undefined, act: () => Promise<T>): Promise<T> => {
    uid = decision
    return act()
  }
  const isUsed = async (): Promise<boolean> =>
    (await findPushedRequest(ports, 'one'))?.consumedAt !== undefined
  return { as, use: () => usePushedRequest(ports, 'one'), isUsed }
}

const used = { error: 'invalid_request_uri' }

describe('a pushed request (RFC 9126 section 7.3)', () => {
  it('is used up by the decision that goes on with it, which may ask again, and by no other', async (test) => {
    const { as, use, isUsed } = await open(test)
    assert.equal(await as('mine', isUsed), false)
    await as('mine', use)
    await as('mine', use)
    assert.equal(await as('mine', isUsed), false)
    for (const other of ['theirs', undefined]) {
      assert.equal(await as(other, isUsed), true)
      await assert.rejects(as(other, use), used)
    }
  })

  it('is used up by a request about which nobody is asked, which cannot ask again', async (test) => {
    const { as, use, isUsed } = await open(test)
    await as(undefined, use)
    for (const later of [undefined, 'mine']) {
      assert.equal(await as(later, isUsed), true)
      await assert.rejects(as(later, use), used)
    }
  })

  it('is used once of several that come at once', async (test) => {
    const { as, use } = await open(test)
    const outcomes = await as(undefined, () => Promise.allSettled(Array.from({ length: 5 }, use)))
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  })
})
