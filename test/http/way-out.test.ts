import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { hostResolver } from '../../src/http/resolve-host.ts'
import { createSafeFetch, FetchRefused } from '../../src/http/safe-fetch.ts'
import { watchWayOut } from '../../src/http/way-out.ts'
import { countingListener } from '../support/counting-listener.ts'
import { trustedCertificate } from '../support/local-tls.ts'
import { movableClock } from '../support/movable-clock.ts'
import { startNameServer } from '../support/name-server.ts'
import { until } from '../support/until.ts'

/** A network in which a test says what becomes of a host: reached, not reached, or not found out. */
function begin(
  test: TestContext,
  reached: Record<string, boolean | undefined> = {},
  { pauseMilliseconds = 60_000 } = {},
) {
  const clock = movableClock()
  const told: string[] = []
  const asked: string[] = []
  const wayOut = watchWayOut({
    clock,
    pauseMilliseconds,
    onChange: (state, reason) => told.push(`${state} ${reason}`),
  })
  const fetch = async (url: string): Promise<Response> => {
    const { host } = new URL(url)
    asked.push(url)
    if (reached[host] === true) return new Response('{}')
    // As connecting to several addresses fails.
    const cause = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' })
    throw new FetchRefused('the fetch failed', { reached: reached[host], cause })
  }
  const [watched, known] = [wayOut.watch(fetch), wayOut.watch(fetch, { forApproved: true })]
  const comeBy = (way: typeof fetch) => async (host: string) =>
    void (await way(`https://${host}/client.json`).catch(() => undefined))
  return {
    wayOut,
    clock,
    told,
    asked,
    reached,
    state: () => wayOut.state(),
    /** A client comes with a document at this host. */
    come: comeBy(watched),
    /** The same for a client that a user approved. */
    comeApproved: comeBy(known),
    name: (...urls: string[]) => {
      const stop = wayOut.keepTrying(urls, fetch)
      test.after(stop)
      return stop
    },
  }
}

describe('a way out that an operator named a document for (N15)', () => {
  it('is there where that host answers, and is not asked again', async (test) => {
    const { state, told, name, asked } = begin(test, { 'named.example': true })
    name('https://named.example/client.json')
    assert.equal(await state(), 'there')
    assert.deepEqual(asked, ['https://named.example/client.json'])
    assert.deepEqual(told, [])
  })

  it('is absent where it does not, told once with the cause, and tried until it is back', async (test) => {
    const { state, told, name, reached, asked } = begin(
      test,
      { 'named.example': false },
      { pauseMilliseconds: 5 },
    )
    name('https://named.example/client.json')
    assert.equal(await state(), 'absent', 'the first answer waits for the first try')
    await until(() => asked.length >= 3, 'it is tried again')
    assert.deepEqual(told, ['absent named.example: the fetch failed (ECONNREFUSED)'])
    reached['named.example'] = true
    await until(async () => (await state()) === 'there', 'it is there')
    assert.deepEqual(told.slice(1), ['there named.example'])
    const tries = asked.length
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal(asked.length, tries)
  })

  it('is there where one of several answers, named together or by several who share the process', async (test) => {
    const { state, told, name } = begin(test, { 'one.example': false, 'two.example': true })
    name('https://one.example/', 'https://two.example/')
    name('https://one.example/')
    assert.equal(await state(), 'there')
    assert.deepEqual(told, [])
  })

  it('is back as soon as a client comes whose host is reached', async (test) => {
    const { state, told, name, come, reached } = begin(test, { 'named.example': false })
    name('https://named.example/client.json')
    assert.equal(await state(), 'absent')
    await come('gone.example')
    assert.equal(await state(), 'absent')
    reached['app.example'] = true
    await come('app.example')
    assert.equal(await state(), 'there')
    assert.equal(told.at(-1), 'there app.example')
  })

  it('is there where a client comes whose host is reached while the first try still runs', async (test) => {
    const { state, told, wayOut, come } = begin(test, { 'app.example': true })
    const { promise: slow, reject } = Promise.withResolvers<Response>()
    test.after(wayOut.keepTrying(['https://named.example/'], () => slow))
    await come('app.example')
    reject(new FetchRefused('the fetch took too long', { reached: false }))
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(await state(), 'there')
    assert.deepEqual(told, [])
  })

  it('is looked at anew when other hosts raise doubts, which say nothing by themselves', async (test) => {
    const { state, come, comeApproved, name, asked, reached, clock } = begin(test, {
      'named.example': true,
      'one.example': false,
      'two.example': false,
      'app.example': true,
    })
    name('https://named.example/client.json')
    await state()
    const tries = () => asked.filter((url) => url.includes('named')).length
    await comeApproved('app.example')
    for (const host of ['one.example', 'two.example']) await come(host)
    assert.equal(tries(), 1, 'strangers have nobody asked')
    reached['app.example'] = false
    for (const host of ['app.example', 'one.example', 'app.example', 'one.example']) await come(host)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(tries(), 2, 'once in a minute at most')
    assert.equal(await state(), 'there')
    clock.advance(61_000)
    reached['named.example'] = false
    // What answered in between began the count anew.
    for (const host of ['named.example', 'app.example']) await come(host)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(await state(), 'absent')
  })

  it('is tried on for one who stays, whoever comes and goes meanwhile', async (test) => {
    const { state, told, name, reached, asked } = begin(
      test,
      { 'named.example': false },
      { pauseMilliseconds: 5 },
    )
    name('https://named.example/client.json')
    assert.equal(await state(), 'absent')
    name('https://named.example/never-taken-up.json')()
    assert.equal(await state(), 'absent')
    const tries = asked.length
    await until(() => asked.length >= tries + 2, 'it is tried again')
    reached['named.example'] = true
    await until(async () => (await state()) === 'there', 'it is there')
    assert.equal(told.length, 2)
  })

  it('is no longer looked for when nobody names anything any more', async (test) => {
    const { state, told, name, asked } = begin(test, { 'named.example': false }, { pauseMilliseconds: 5 })
    const stop = name('https://named.example/client.json')
    assert.equal(await state(), 'absent')
    stop()
    assert.equal(await state(), 'there')
    const tries = asked.length
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal(asked.length, tries)
    assert.equal(told.length, 1)
  })
})

describe('a way out for which nothing is named (N15)', () => {
  const dead = { 'one.example': false, 'two.example': false, 'three.example': false }

  it('is doubtful once two hosts in a row cannot be reached, until one is', async (test) => {
    const { state, told, come, reached } = begin(test, { ...dead })
    await come('one.example')
    await come('one.example')
    assert.equal(await state(), 'there', 'one host may be down')
    await come('two.example')
    assert.equal(await state(), 'doubtful')
    await come('three.example')
    reached['one.example'] = true
    await come('one.example')
    assert.equal(await state(), 'there')
    assert.deepEqual(told, ['doubtful two.example: the fetch failed (ECONNREFUSED)', 'there one.example'])
  })

  it('is assumed again after ten minutes, until the next host that cannot be reached, and told once', async (test) => {
    const { state, told, come, clock } = begin(test, { ...dead })
    for (const host of ['one.example', 'two.example']) await come(host)
    clock.advance(600_001)
    assert.equal(await state(), 'there')
    await come('one.example')
    assert.equal(await state(), 'doubtful')
    assert.equal(told.length, 1)
  })

  it('is not doubted for dead hosts that strangers name, where others were reached', async (test) => {
    const { state, come, comeApproved, reached } = begin(test, { ...dead, 'app.example': true })
    await comeApproved('app.example')
    for (const host of Object.keys(dead)) await come(host)
    assert.equal(await state(), 'there')
    reached['app.example'] = false
    await come('app.example')
    assert.equal(await state(), 'doubtful')
  })

  it('is not doubted for a host of strangers that was up before', async (test) => {
    const { state, told, come, comeApproved, reached } = begin(test, { ...dead, 'app.example': true })
    await comeApproved('app.example')
    reached['one.example'] = true
    await come('one.example')
    reached['one.example'] = false
    for (const host of Object.keys(dead)) await come(host)
    assert.equal(await state(), 'there')
    assert.deepEqual(told, [])
  })

  it('is doubted once for a client that a user approved and that is down for good', async (test) => {
    const { state, come, comeApproved, reached } = begin(test, {
      ...dead,
      'app.example': true,
      'gone.example': true,
    })
    await comeApproved('gone.example')
    reached['gone.example'] = false
    for (const host of ['gone.example', 'one.example']) await come(host)
    assert.equal(await state(), 'doubtful')
    await comeApproved('app.example')
    for (const host of ['gone.example', 'one.example']) await come(host)
    await comeApproved('gone.example')
    assert.equal(await state(), 'there')
  })

  it('is not doubted for what was refused or answered badly', async (test) => {
    const { state, come } = begin(test)
    for (const host of ['one.example', 'two.example', 'three.example']) await come(host)
    assert.equal(await state(), 'there')
  })
})

describe('whether a host was reached', () => {
  const options = {
    allowLoopback: true,
    userAgent: 'Portcullis/test',
    maxBytes: 100,
    milliseconds: 10_000,
    running: { perHost: 2, total: 3 },
  }
  const reachedAt = async (url: string, more: object = {}): Promise<boolean | undefined> =>
    createSafeFetch({ ...options, ...more })(url).then(
      () => assert.fail('it was fetched'),
      (error: FetchRefused) => error.reached,
    )

  it('is told by any answer over a connection that is trusted, and by the lack of one', async (test) => {
    const time = new AbortController()
    test.mock.method(AbortSignal, 'timeout', () => time.signal)
    const answering = await countingListener({
      tls: trustedCertificate(),
      answer: (req, res) => void (req.url === '/slow' ? time.abort() : res.writeHead(503).end()),
    })
    const plain = await countingListener()
    test.after(() => Promise.all([answering.close(), plain.close()]))
    assert.equal(await reachedAt(`https://localhost:${answering.port}/`), true)
    assert.equal(await reachedAt(`https://localhost:${plain.port}/`), false, 'no TLS')
    assert.equal(await reachedAt('https://localhost:1/'), false, 'nobody listens')
    assert.equal(await reachedAt(`https://localhost:${answering.port}/slow`), true, 'its time is over')
  })

  it('stays open where the URL is refused, the name unknown or the address inside (A51)', async (test) => {
    const names = await startNameServer((type, name) =>
      name === 'silent.example'
        ? undefined
        : name === 'inner.example' && type === 'A'
          ? [Buffer.from([10, 0, 0, 1])]
          : [],
    )
    test.after(() => names.close())
    const [resolve, resolveSoon] = [10_000, 300].map((milliseconds) =>
      hostResolver({ milliseconds, servers: [names.address] }),
    )
    assert.equal(await reachedAt('https://10.0.0.1/'), undefined)
    assert.equal(await reachedAt('https://inner.example/', { resolve }), undefined)
    assert.equal(await reachedAt('https://unknown.example/', { resolve }), undefined)
    assert.equal(
      await reachedAt('https://silent.example/', { resolve: resolveSoon }),
      false,
      'no name server answers',
    )
  })
})
