import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Conversation } from '../../src/upstream/conversation/contract.ts'
import {
  type ConversationLimits,
  createRegistry,
  type Registry,
} from '../../src/upstream/conversation/registry.ts'

interface Fake extends Conversation {
  busy: boolean
  listened: boolean
  readonly isStopped: () => boolean
  /** Lets it be gone. */
  readonly go: () => void
}

interface Setup {
  readonly registry: Registry<Fake>
  readonly of: (key: string) => Fake
  readonly reach: (key: string, owner?: string) => Promise<Fake>
  /** Lets so many idle times pass. */
  readonly pass: (times: number) => void
  /** Those that run. */
  readonly running: () => string[]
}

function setUp(
  mock: { timers: { enable(options: { apis: ['setTimeout'] }): void; tick(milliseconds: number): void } },
  limits: Partial<ConversationLimits> = {},
): Setup {
  mock.timers.enable({ apis: ['setTimeout'] })
  const registry = createRegistry<Fake>({ total: 8, perOwner: 2, idleSeconds: 1, ...limits })
  const all = new Map<string, Fake>()
  return {
    registry,
    of: (key) => all.get(key) as Fake,
    reach: (key, owner = 'ada') =>
      registry.reach(key, owner, (onClosed) => {
        const gone = Promise.withResolvers<void>()
        let stopped = false
        const fake = {
          busy: false,
          listened: false,
          isStopped: () => stopped,
          go() {
            onClosed()
            gone.resolve()
          },
          stop() {
            stopped = true
            return gone.promise
          },
        } as Fake
        all.set(key, fake)
        return fake
      }),
    pass: (times) => mock.timers.tick(times * 1000),
    running: () => [...all].filter(([, fake]) => !fake.isStopped()).map(([key]) => key),
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a caller with as many conversations as it may have (A36)', () => {
  it('gets another one in the place of what it has not used for longest, once that is gone', async ({
    mock,
  }) => {
    const { registry, reach, of, running } = setUp(mock)
    await reach('a')
    await reach('b')
    registry.find('a')
    const third = reach('c')
    await turn()
    assert.deepEqual(running(), ['a'])
    assert.equal(registry.find('b'), undefined)
    of('b').go()
    await third
    assert.deepEqual(running(), ['a', 'c'])
  })

  it('loses nothing in which a request runs, and nothing that it listens to, unless that is idle for long', async ({
    mock,
  }) => {
    const { reach, of, pass, running } = setUp(mock)
    Object.assign(await reach('a'), { busy: true })
    Object.assign(await reach('b'), { listened: true })
    await assert.rejects(reach('c'), { code: 'too_many_requests' })
    pass(1)
    const third = reach('c')
    await turn()
    assert.deepEqual(running(), ['a'])
    of('b').go()
    await third
    Object.assign(of('c'), { busy: true })
    await assert.rejects(reach('d'), { code: 'too_many_requests' })
  })

  it('waits for what ends anyway', async ({ mock }) => {
    const { registry, reach, of, running } = setUp(mock)
    Object.assign(await reach('a'), { busy: true })
    await reach('b')
    void registry.stop('b')
    const third = reach('c')
    await turn()
    assert.throws(() => registry.checkRoom('ada'), { code: 'too_many_requests' })
    of('b').go()
    await third
    assert.deepEqual(running(), ['a', 'c'])
  })

  it('gets one for each of many requests that come at once, and one for all of a key', async ({ mock }) => {
    const { reach, of, running } = setUp(mock)
    await reach('a')
    await reach('b')
    const some = [reach('c'), reach('d'), reach('d')]
    await turn()
    of('a').go()
    of('b').go()
    const [, first, second] = await Promise.all(some)
    assert.equal(first, second)
    assert.deepEqual(running(), ['c', 'd'])
  })
})

describe('as many conversations as there may be for all callers (A36)', () => {
  it('leave each to its caller for its idle time, and then make room for others', async ({ mock }) => {
    const { reach, of, pass, running } = setUp(mock, { total: 2 })
    Object.assign(await reach('a', 'ada'), { listened: true })
    Object.assign(await reach('b', 'ben'), { listened: true })
    await assert.rejects(reach('c', 'eve'), { code: 'too_many_requests' })
    pass(1)
    const third = reach('c', 'eve')
    await turn()
    of('a').go()
    await third
    assert.deepEqual(running(), ['b', 'c'])
  })
})

describe('a conversation that nobody uses', () => {
  it('stays what its key leads to when the one before it is gone at last', async ({ mock }) => {
    const { registry, of, reach } = setUp(mock)
    const first = await reach('a')
    const stopped = registry.stop('a')
    const second = await reach('a')
    assert.notEqual(second, first)
    first.go()
    await stopped
    assert.equal(registry.find('a'), of('a'))
  })

  it('ends, unless a request runs or somebody listens', async ({ mock }) => {
    const { registry, reach, of, pass, running } = setUp(mock, { perOwner: 8 })
    for (const key of ['idle', 'busy', 'listened']) await reach(key)
    Object.assign(of('busy'), { busy: true })
    Object.assign(of('listened'), { listened: true })
    pass(1)
    assert.deepEqual(running(), ['busy', 'listened'])
    assert.equal(registry.find('idle'), undefined)
  })
})
