import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { deliveryTo } from '../../src/audit/delivery.ts'
import { listFiles } from '../../src/audit/files.ts'
import { type Keeper, keepTrail } from '../../src/audit/keeper.ts'
import { leaseOn } from '../../src/audit/lease.ts'
import type { Sink } from '../../src/audit/sinks/contract.ts'
import { httpSink } from '../../src/audit/sinks/http.ts'
import type { Trail } from '../../src/audit/trail.ts'
import { freePort } from '../support/installation.ts'
import { listen } from '../support/listen.ts'
import { makeTrailFolder, someEvent, type TrailFolder } from '../support/trail.ts'
import { until } from '../support/until.ts'

const day = 24 * 3600 * 1000

/** A sink that remembers what it took over, and can be down. */
function memorySink(): Sink & { readonly lines: string[]; down: boolean } {
  const lines: string[] = []
  return {
    name: 'memory',
    lines,
    down: false,
    deliver(batch) {
      if (this.down) return Promise.reject(new Error('down'))
      lines.push(...batch)
      return Promise.resolve()
    },
    close: () => Promise.resolve(),
  }
}

function keep(made: TrailFolder, trail: Trail, sinks: readonly Sink[], keepDays?: number): Keeper {
  return keepTrail({
    folder: made.folder,
    trail,
    sinks,
    keepDays,
    signer: made.signer,
    keys: () => Promise.resolve(made.keys),
    clock: made.clock,
    onFault: (error) => made.faults.push(error),
    onSink: (sink, failure) => made.faults.push(`${sink} ${failure === undefined ? 'up' : 'down'}`),
  })
}

describe('sinks', () => {
  it('get every event in its order, and what was left with the next start', async () => {
    const made = makeTrailFolder()
    const sink = memorySink()
    const trail = made.open({ fileBytes: 2000 })
    const keeper = keep(made, trail, [sink])
    for (let call = 0; call < 20; call++) trail.commit(someEvent(`call-${call}`))
    await trail.close()
    await keeper.close()
    assert.deepEqual(sink.lines, made.lines())
    const late = made.open()
    late.commit(someEvent('nobody carries this'))
    await late.close()
    const next = made.open()
    const second = keep(made, next, [sink])
    await next.close()
    await second.close()
    assert.deepEqual(sink.lines, made.lines())
  })

  it('that are down are told once, and get everything when they are up again', async () => {
    const made = makeTrailFolder()
    const sink = memorySink()
    sink.down = true
    const trail = made.open()
    const keeper = keep(made, trail, [sink])
    trail.commit(someEvent('one'))
    await until(() => made.faults.length > 0)
    for (let call = 0; call < 5; call++) trail.commit(someEvent(`call-${call}`))
    assert.ok((keeper.waiting().get('memory') ?? 0) > 0)
    sink.down = false
    await until(() => sink.lines.length >= 7)
    assert.deepEqual(made.faults, ['memory down', 'memory up'])
    await trail.close()
    await keeper.close()
    assert.deepEqual(sink.lines, made.lines())
  })

  it('get what stands in a file that was begun anew under the name of one that somebody removed', async () => {
    const made = makeTrailFolder()
    const sink = memorySink()
    const delivery = deliveryTo(sink, made.folder)
    const carry = async (): Promise<void> => {
      while (await delivery.step());
    }
    const first = made.open()
    for (let call = 0; call < 20; call++) first.commit(someEvent(`call-${call}`))
    await first.close()
    await carry()
    const [name = ''] = listFiles(made.folder)
    rmSync(join(made.folder, name))
    const second = made.open()
    second.commit(someEvent('after'))
    await second.close()
    assert.deepEqual(listFiles(made.folder), [name])
    assert.deepEqual([delivery.waitingBytes > 0, delivery.hasAll(name)], [true, false])
    await carry()
    assert.deepEqual(sink.lines.slice(-3), made.lines())
    assert.deepEqual([delivery.waitingBytes, delivery.hasAll(name)], [0, true])
  })

  it('are fed by one of the processes, and by another one once that has gone', async () => {
    const made = makeTrailFolder()
    const sink = memorySink()
    const [one, two] = [made.open(), made.open()]
    const [first, second] = [keep(made, one, [sink]), keep(made, two, [sink])]
    for (let call = 0; call < 10; call++) (call % 2 === 0 ? one : two).commit(someEvent(`call-${call}`))
    await one.close()
    await first.close()
    two.commit(someEvent('later'))
    await until(() => sink.lines.some((line) => line.includes('later')))
    await two.close()
    await second.close()
    assert.deepEqual(sink.lines, made.lines(), 'each once')
  })

  it('get each event at once, and at the end also what comes after the process that fed them has gone', async (test) => {
    test.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
    const made = makeTrailFolder()
    const sink = memorySink()
    const [first, second] = [keep(made, made.open(), [sink]), keep(made, made.open(), [sink])]
    const trail = made.open()
    const third = keep(made, trail, [])
    await first.close()
    assert.equal(sink.lines.length, made.lines().length)
    await second.close()
    assert.equal(sink.lines.length, made.lines().length, 'what the second has written at its end')
    const fourth = keep(made, trail, [sink])
    trail.commit(someEvent('one'))
    await new Promise((resolve) => setImmediate(resolve))
    assert.match(sink.lines.at(-1) ?? '', /"one"/)
    await Promise.all([third.close(), fourth.close()])
  })

  it('get whole lines alone, each once, and all of them again where nobody can read how far they were', async () => {
    const { folder } = makeTrailFolder()
    mkdirSync(folder)
    const file = join(folder, 'audit-2026-11-27.00001.jsonl')
    writeFileSync(file, 'one\ntwo\nthr')
    const sink = memorySink()
    const delivery = deliveryTo(sink, folder)
    assert.deepEqual([await delivery.step(), await delivery.step()], [true, false])
    assert.deepEqual([sink.lines, delivery.waitingBytes], [['one', 'two'], 3])
    assert.equal(delivery.hasAll('audit-2026-11-27.00001.jsonl'), false)
    appendFileSync(file, 'ee\n')
    assert.equal(await delivery.step(), true)
    assert.deepEqual(sink.lines, ['one', 'two', 'three'])
    assert.equal(delivery.hasAll('audit-2026-11-27.00001.jsonl'), true)
    writeFileSync(join(folder, 'delivered-memory.json'), '{"audit-20')
    assert.equal(await delivery.step(), true)
    assert.deepEqual(sink.lines.slice(3), ['one', 'two', 'three'])
  })

  it('do not wait silently behind a line that is too long to be an event', async () => {
    const { folder } = makeTrailFolder()
    mkdirSync(folder)
    writeFileSync(join(folder, 'audit-2026-11-27.00001.jsonl'), `${'x'.repeat(300_000)}\n`)
    await assert.rejects(deliveryTo(memorySink(), folder).step(), /00001\.jsonl is too long to be an event/)
  })

  it('over HTTP take over with a 2xx alone, and get a bearer token', async (test) => {
    const { url, requests, statuses } = await startReceiver(test)
    const sink = httpSink({ name: 'siem', url, token: 'a token of the operator', format: (line) => line })
    statuses.push(503, 302, 204)
    await assert.rejects(sink.deliver(['{"a":1}']), /503/)
    await assert.rejects(sink.deliver(['{"a":1}']), /redirect/i)
    await sink.deliver(['{"a":1}', '{"b":2}'])
    assert.deepEqual(requests.at(-1), {
      authorization: 'Bearer a token of the operator',
      body: [{ a: 1 }, { b: 2 }],
    })
    await assert.rejects(
      httpSink({
        name: 'nobody',
        url: `http://127.0.0.1:${await freePort()}/`,
        format: (line) => line,
      }).deliver(['{}']),
      /ECONNREFUSED/,
    )
  })
})

async function startReceiver(test: TestContext) {
  const requests: { authorization: string | undefined; body: unknown }[] = []
  const statuses: number[] = []
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      requests.push({
        authorization: req.headers.authorization,
        body: JSON.parse(Buffer.concat(chunks).toString()),
      })
      res.writeHead(statuses.shift() ?? 204, { location: '/elsewhere' }).end()
    })
  })
  const { url } = await listen(server, test)
  return { url: `${url}/`, requests, statuses }
}

describe('the lease', () => {
  it('that nobody can read or write is told once, until it is there again', (test) => {
    test.mock.timers.enable({ apis: ['setInterval'] })
    const made = makeTrailFolder()
    keep(made, made.open(), [])
    const file = join(made.folder, 'keeper.json')
    for (let outage = 1; outage <= 2; outage++) {
      rmSync(file)
      mkdirSync(file)
      for (let round = 0; round < 3; round++) test.mock.timers.tick(2000)
      assert.equal(made.faults.length, outage)
      assert.match(String(made.faults.at(-1)), /can neither deliver the audit to its sinks nor prune it/)
      rmSync(file, { recursive: true })
      test.mock.timers.tick(2000)
    }
  })

  it('is held by one, and goes to another when its holder is silent or done', () => {
    const made = makeTrailFolder()
    made.open().checkpoint()
    const [one, two] = [leaseOn(made.folder, made.clock), leaseOn(made.folder, made.clock)]
    assert.deepEqual([one.renew(), two.renew(), one.renew()], [true, false, true])
    made.clock.advance(11_000)
    assert.equal(two.renew(), false, 'it takes over, and does not know yet whether it was alone')
    assert.deepEqual([one.renew(), two.renew()], [false, true])
    two.release()
    assert.equal(one.renew(), true)
  })

  it('is nobody’s where a process died while it wrote who has it', () => {
    const made = makeTrailFolder()
    mkdirSync(made.folder)
    writeFileSync(join(made.folder, 'keeper.json'), '{"id":"a')
    const lease = leaseOn(made.folder, made.clock)
    assert.deepEqual([lease.renew(), lease.renew()], [false, true])
  })
})

describe('a folder in which nothing new can be written', () => {
  it('is named with the fix where the audit opens', () => {
    const made = makeTrailFolder()
    const trail = made.open()
    mkdirSync(join(made.folder, 'keeper.json'))
    assert.throws(() => keep(made, trail, []), {
      name: 'AuditUnusable',
      message:
        /^the folder of the audit, .+, cannot be written \(EISDIR.+\): let this user write it, or choose/,
    })
  })
})

describe('retention', () => {
  it('removes what is old enough, and what is left is verified by signed anchors', async () => {
    const made = makeTrailFolder()
    const trail = made.open()
    for (let past = 0; past < 5; past++) {
      trail.commit(someEvent(`day-${past}`))
      trail.checkpoint()
      made.clock.advance(day)
    }
    trail.commit(someEvent('today'))
    const keeper = keep(made, trail, [], 2)
    await until(() => listFiles(made.folder).length === 3)
    trail.commit(someEvent('after'))
    await trail.close()
    await keeper.close()
    assert.deepEqual(made.faults, [])
    assert.deepEqual((await made.verify()).findings, [])
    assert.doesNotMatch(made.lines().join(), /day-[012]/)
    assert.match(made.lines().join(), /day-3.*"action":"prune","target":"audit-2026-11-27\.00001\.jsonl"/s)
    const { findings } = await made.verify(new Map())
    assert.ok(
      findings.some(({ kind }) => kind === 'removed'),
      'an anchor that nobody with a trusted key signed counts for nothing',
    )
  })

  it('keeps what a sink does not have yet, until it has, and what was changed', async () => {
    const made = makeTrailFolder()
    const sink = memorySink()
    sink.down = true
    const trail = made.open()
    trail.commit(someEvent('old'))
    made.clock.advance(5 * day)
    trail.commit(someEvent('new'))
    const keeper = keep(made, trail, [sink], 1)
    await trail.close()
    await keeper.close()
    assert.equal(listFiles(made.folder).length, 2)
    assert.equal(sink.lines.length, 0)
    sink.down = false
    await keep(made, made.open(), [sink]).close()
    const next = keep(made, made.open(), [sink], 1)
    await until(() => listFiles(made.folder).length === 1)
    await next.close()
    assert.match(sink.lines.join(), /"old".*"new".*"action":"prune"/s)

    const changed = makeTrailFolder()
    const other = changed.open()
    for (const name of ['one', 'two']) other.commit(someEvent(name))
    changed.rewrite((lines) => lines.map((line) => line.replace('"one"', '"none"')))
    changed.clock.advance(5 * day)
    other.commit(someEvent('new'))
    const second = keep(changed, other, [], 1)
    await other.close()
    await second.close()
    assert.equal(listFiles(changed.folder).length, 2)
    assert.match(String(changed.faults[0]), /is old enough to be removed, but stays: .*:2 /)
  })
})
