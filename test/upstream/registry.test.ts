import assert from 'node:assert/strict'
import { describe, it, type MockTracker, type TestContext } from 'node:test'
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

interface Timer {
  due: number
  readonly unref: () => Timer
  readonly refresh: () => Timer
}

/** Timers that tick by hand, and can be refreshed, unlike those of the test runner. */
function manualTimers(mock: MockTracker): (milliseconds: number) => void {
  const timers = new Map<Timer, () => void>()
  let now = 0
  mock.method(globalThis, 'setTimeout', (act: () => void, milliseconds: number) => {
    const start = (): Timer => {
      timer.due = now + milliseconds
      timers.set(timer, act)
      return timer
    }
    const timer: Timer = { due: 0, unref: () => timer, refresh: start }
    return start()
  })
  mock.method(globalThis, 'clearTimeout', (timer: Timer) => timers.delete(timer))
  return (milliseconds) => {
    const end = now + milliseconds
    const next = () => [...timers].filter(([{ due }]) => due <= end).toSorted(([a], [b]) => a.due - b.due)[0]
    for (let one = next(); one !== undefined; one = next()) {
      now = one[0].due
      timers.delete(one[0])
      one[1]()
    }
    now = end
  }
}

function setUp({ mock }: TestContext, limits: Partial<ConversationLimits> = {}): Setup {
  const tick = manualTimers(mock)
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
    pass: (times) => tick(times * 1000),
    running: () => [...all].filter(([, fake]) => !fake.isStopped()).map(([key]) => key),
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a caller with as many conversations as it may have (A36)', () => {
  it('gets another one in the place of what it has not used for longest, once that is gone', async (test) => {
    const { registry, reach, of, running } = setUp(test)
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

  it('loses nothing in which a request runs, and nothing that it listens to, unless that is idle for long', async (test) => {
    const { reach, of, pass, running } = setUp(test)
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

  it('waits for what ends anyway', async (test) => {
    const { registry, reach, of, running } = setUp(test)
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

  it('takes nothing from others for it, however long they have been idle, and waits for none of theirs', async (test) => {
    const { registry, reach, pass, running } = setUp(test)
    for (const key of ['a', 'b']) Object.assign(await reach(key), { busy: true })
    Object.assign(await reach('c', 'ben'), { listened: true })
    pass(1)
    await assert.rejects(reach('d'), { code: 'too_many_requests' })
    assert.deepEqual(running(), ['a', 'b', 'c'])
    void registry.stop('c')
    await assert.rejects(reach('d'), { code: 'too_many_requests' })
  })

  it('gets none that is opened by name, which takes the place of nothing', async (test) => {
    const { registry, reach } = setUp(test)
    for (const key of ['a', 'b']) await reach(key)
    const start = () => assert.fail('it was started')
    assert.throws(() => registry.open('c', 'ada', start), { code: 'too_many_requests' })
  })

  it('gets one for each of many requests that come at once, and one for all of a key', async (test) => {
    const { reach, of, running } = setUp(test)
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
  it('leave each to its caller for its idle time, and then make room for others', async (test) => {
    const { reach, of, pass, running } = setUp(test, { total: 2 })
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
  it('is kept for its idle time after each use, even where only a listener has kept it until then', async (test) => {
    const { registry, reach, of, pass, running } = setUp(test)
    await reach('a')
    pass(0.6)
    registry.find('a')
    pass(0.6)
    assert.deepEqual(running(), ['a'])
    Object.assign(of('a'), { listened: true })
    pass(2)
    registry.find('a')
    Object.assign(await reach('b'), { busy: true })
    await assert.rejects(reach('c'), { code: 'too_many_requests' })
    assert.deepEqual(running(), ['a', 'b'])
  })

  it('ends when it has long been without a request, whenever that was', async (test) => {
    const { reach, of, pass, running } = setUp(test)
    Object.assign(await reach('a'), { busy: true })
    pass(3)
    assert.deepEqual(running(), ['a'])
    Object.assign(of('a'), { busy: false })
    pass(1)
    assert.deepEqual(running(), [])
  })

  it('is forgotten when it ends by itself, and takes no room', async (test) => {
    const { registry, reach, pass, of, running } = setUp(test)
    for (const key of ['a', 'b']) await reach(key)
    of('a').go()
    assert.equal(registry.find('a'), undefined)
    registry.checkRoom('ada')
    await registry.stop('a')
    pass(1)
    assert.deepEqual(running(), ['a'], 'b is stopped, and what has ended is not')
  })

  it('is not kept at all when it ended while it started', async (test) => {
    const { registry } = setUp(test, { perOwner: 1 })
    registry.open('a', 'ada', (onClosed) => {
      onClosed()
      return {} as Fake
    })
    assert.equal(registry.find('a'), undefined)
    registry.checkRoom('ada')
  })

  it('stays what its key leads to when the one before it is gone at last', async (test) => {
    const { registry, of, reach } = setUp(test)
    const first = await reach('a')
    const stopped = registry.stop('a')
    const second = await reach('a')
    assert.notEqual(second, first)
    first.go()
    await stopped
    assert.equal(registry.find('a'), of('a'))
  })

  it('ends, unless a request runs or somebody listens', async (test) => {
    const { registry, reach, of, pass, running } = setUp(test, { perOwner: 8 })
    for (const key of ['idle', 'busy', 'listened']) await reach(key)
    Object.assign(of('busy'), { busy: true })
    Object.assign(of('listened'), { listened: true })
    pass(1)
    assert.deepEqual(running(), ['busy', 'listened'])
    assert.equal(registry.find('idle'), undefined)
  })
})
