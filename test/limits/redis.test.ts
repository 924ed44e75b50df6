import assert from 'node:assert/strict'
import dns, { type LookupAddress } from 'node:dns'
import { after, before, describe, it, type TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { countWith } from '../../src/limits/count.ts'
import { fallBack } from '../../src/limits/fall-back.ts'
import { countInRedis } from '../../src/limits/in-redis.ts'
import { startBreakableProxy } from '../support/breakable-proxy.ts'
import { legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { freePort, sharedSecret } from '../support/installation.ts'
import { movableClock } from '../support/movable-clock.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

type Answer = (error: null, found: readonly LookupAddress[]) => void

const list = legacyRequest('tools/list')
const unheard = { onFault: () => undefined, onConnect: () => undefined }

describe('limits in Redis', { timeout: 120_000 }, () => {
  let redis: TestRedis
  before(async () => {
    redis = await startRedis()
  })
  after(() => redis.stop())

  it('are counted by all gateways together, by each alone while it is away, and together again (A36, A72)', async () => {
    const config = { limits: { redis: redis.url, perMinutePerClient: 4 }, secret: sharedSecret }
    const gates = [await startGatedSpy(config), await startGatedSpy(config)] as const
    try {
      const ask = async (index: 0 | 1, token: string): Promise<number> =>
        (await gates[index].post(list, { token })).status
      const tokens = [
        await gates[0].tokenFor('mcp:*', 'ada'),
        await gates[1].tokenFor('mcp:*', 'ada'),
      ] as const
      const log = (): string => gates[0].installation.log() + gates[1].installation.log()

      for (const index of [0, 1, 1, 0] as const) assert.equal(await ask(index, tokens[index]), 200)
      for (const index of [0, 1] as const) assert.equal(await ask(index, tokens[index]), 503)
      const names = await redis.keys()
      assert.ok(names.some((name) => name.startsWith('portcullis:calls-of-client:4/60:')))
      assert.doesNotMatch(
        names.join(),
        /ada|user-client|127\.0\.0\.1/,
        'no names of people, clients, addresses',
      )
      assert.doesNotMatch(log(), /limits\.redis cannot be used/)

      await redis.stop()
      for (let n = 0; n < 4; n++) assert.equal(await ask(0, tokens[0]), 200, 'it begins to count anew')
      assert.equal(await ask(0, tokens[0]), 503, 'but is not without a limit')
      assert.equal(log().match(/limits\.redis cannot be used .*each process counts alone/g)?.length, 1)

      await redis.start()
      await until(async () => {
        await ask(0, tokens[0])
        return log().includes('counted in Redis again')
      }, 'it is counted in Redis again')
      redis.freeze()
      const answered = await ask(1, tokens[1])
      redis.thaw()
      assert.ok(answered === 200 || answered === 503, 'one that does not answer holds nobody up')
      assert.ok(!log().includes(redis.password))
    } finally {
      for (const gate of gates) await gate.close()
    }
  })
})

describe('a Redis that does not let the gateway in', { timeout: 60_000 }, () => {
  it('is told of once, with the reason and without the password', async (test) => {
    const redis = await startRedis()
    test.after(() => redis.stop())
    const url = redis.url.replace(redis.password, 'an-old-password')
    const gate = await startGatedSpy({ limits: { redis: url, perMinute: 60 } })
    test.after(() => gate.close())
    const { log } = gate.installation
    await until(() => log().includes('WRONGPASS'), 'the reason is in the log')
    await setTimeout(1000)
    assert.equal((await gate.post(list, { token: await gate.tokenFor('mcp:*', 'ada') })).status, 200)
    const told = log().match(/no connection to the Redis of limits\.redis: WRONGPASS/g)
    assert.equal(told?.length, 1, 'though it is tried again and again')
    assert.doesNotMatch(log(), /an-old-password/)
  })

  it('is told of with the reason also where its name leads to several addresses', async (test) => {
    test.mock.method(dns, 'lookup', (_host: string, _options: object, callback: Answer) =>
      callback(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '::1', family: 6 },
      ]),
    )
    const url = `redis://two.invalid:${await freePort()}`
    const gate = await startGatedSpy({ limits: { redis: url, perMinute: 60 } })
    test.after(() => gate.close())
    const reason = /no connection to the Redis of limits\.redis: ECONNREFUSED/
    await until(() => reason.test(gate.installation.log()), 'the reason is in the log')
  })

  it('but for INFO, which is dangerous for Redis, counts, and nothing is written past the log', async (test) => {
    const redis = await startRedis()
    test.after(() => redis.stop())
    const admin = new Redis(redis.url)
    await admin.acl('SETUSER', 'gate', 'on', '>its-password', '~*', '+@all', '-@dangerous')
    admin.disconnect()
    const written = test.mock.method(console, 'warn', () => undefined)
    const url = redis.url.replace(`:${redis.password}`, 'gate:its-password')
    const counter = await countInRedis(url, unheard)
    test.after(() => counter.close())
    const limit = countWith(counter.make)({ name: 'x', points: 5, seconds: 60 })
    await until(async () => (await limit.take('a').catch(() => undefined)) === 0, 'it counts')
    assert.equal(written.mock.callCount(), 0)
  })
})

describe('a Redis whose place another one has taken', { timeout: 60_000 }, () => {
  it('is left where it takes nothing more, though it answers (A72)', (test) =>
    isLeft(test, (old) => old.demote()))

  it('is left where it says nothing more, on a connection that nobody has closed (A72)', (test) =>
    isLeft(test, async (old) => old.freeze()))
})

/** Counts in one Redis, then in the one to which its address leads, once something has happened to the first. */
async function isLeft(test: TestContext, happen: (old: TestRedis) => Promise<void>): Promise<void> {
  const old = await startRedis()
  test.after(() => {
    old.thaw()
    return old.stop()
  })
  const next = await startRedis(old.password)
  test.after(() => next.stop())
  const addressOf = ({ url }: TestRedis) => ({ host: '127.0.0.1', port: Number(new URL(url).port) })
  const proxy = await startBreakableProxy(addressOf(old))
  test.after(() => proxy.break())
  const url = new URL(old.url)
  url.port = String(proxy.port)
  const counter = await countInRedis(url.href, unheard)
  test.after(() => counter.close())
  const limit = countWith(counter.make)({ name: 'x', points: 5, seconds: 60 })
  const take = (): Promise<number | undefined> => limit.take('a').catch(() => undefined)
  const untilTaken = () => until(async () => (await take()) !== undefined, 'Redis counts')
  await untilTaken()
  await happen(old)
  proxy.lead(addressOf(next))
  assert.equal(await take(), undefined)
  await untilTaken()
  assert.equal((await next.keys()).length, 1)
}

describe('a limit that falls back', () => {
  it('does not ask again for a second what is away, and tells each change once', async (test) => {
    test.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const clock = movableClock()
    const changes: (string | undefined)[] = []
    let down = true
    let asked = 0
    const shared = () => ({
      async take() {
        asked++
        if (down) throw new Error('away')
        return 0
      },
      wait: async () => 3,
      forgive: async (key: string) => void forgiven.push(`shared ${key}`),
    })
    const forgiven: string[] = []
    const alone = () => ({
      take: async () => 7,
      wait: async () => 7,
      forgive: async (key: string) => void forgiven.push(key),
    })
    const limit = fallBack({ shared, alone, clock, onChange: (reason) => changes.push(reason) })({
      name: 'x',
      points: 1,
      seconds: 1,
    })
    assert.deepEqual([await limit.take('a'), await limit.take('a'), await limit.wait('a')], [7, 7, 7])
    await limit.forgive('a')
    assert.deepEqual(forgiven, ['a'], 'taken back where it was counted')
    assert.equal(asked, 1)
    clock.advance(1001)
    assert.equal(await limit.take('a'), 7)
    down = false
    clock.advance(1001)
    assert.deepEqual([await limit.take('a'), await limit.wait('a')], [0, 3])
    await limit.forgive('a')
    assert.deepEqual(forgiven, ['a', 'shared a'])
    assert.deepEqual(changes, ['away', undefined])

    down = true
    assert.equal(await limit.take('a'), 7)
    down = false
    clock.advance(-3_600_000)
    assert.equal(await limit.take('a'), 0, 'also when the clock was set back (A72)')
  })
})
