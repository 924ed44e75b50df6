import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type Delivery, deliveryTo } from '../../src/audit/delivery.ts'
import { httpSink } from '../../src/audit/sinks/http.ts'
import { syslogSink } from '../../src/audit/sinks/syslog.ts'
import { listen } from '../support/listen.ts'
import { makeTrailFolder } from '../support/trail.ts'

const nameOf = (part: number): string => `audit-2026-11-27.0000${part}.jsonl`

/** A delivery of these files, and the lines of each batch. */
function deliver(files: readonly string[]) {
  const { folder } = makeTrailFolder()
  mkdirSync(folder)
  for (const [index, text] of files.entries()) writeFileSync(join(folder, nameOf(index + 1)), text)
  const batches: (readonly string[])[] = []
  const sink = {
    name: 'siem',
    deliver: async (lines: readonly string[]) => void batches.push(lines),
    close: async () => undefined,
  }
  const delivery = deliveryTo(sink, folder)
  return { folder, batches, delivery, record: join(folder, 'delivered-siem.json') }
}

async function finish(delivery: Delivery): Promise<void> {
  while (await delivery.step());
}

describe('a batch for a sink', () => {
  it('has 500 events or 256 KB of them at most, and all of them come', async () => {
    const short = Array.from({ length: 1200 }, (_, index) => `{"n":${index}}`)
    const long = Array.from({ length: 300 }, (_, index) => `{"n":${index},"x":"${'x'.repeat(2000)}"}`)
    const { batches, delivery } = deliver([short, long].map((lines) => `${lines.join('\n')}\n`))
    const files = (): number => readdirSync('/proc/self/fd').length
    const before = files()
    await finish(delivery)
    assert.equal(files(), before, 'files are closed')
    assert.deepEqual(batches.flat(), [...short, ...long])
    assert.deepEqual(
      batches.slice(0, 3).map(({ length }) => length),
      [500, 500, 200],
    )
    for (const batch of batches) assert.ok(batch.join('\n').length < 256 * 1024)
    assert.equal(delivery.waitingBytes, 0)
  })
})

describe('a sink that is too slow for a whole batch', () => {
  it('gets smaller ones until it can take them, and larger ones again when it is faster', async () => {
    const events = Array.from({ length: 6000 }, (_, index) => `{"n":${index}}`)
    let most = 60
    const { folder } = makeTrailFolder()
    mkdirSync(folder)
    writeFileSync(join(folder, nameOf(1)), `${events.join('\n')}\n`)
    const taken: (readonly string[])[] = []
    const deliverSome = async (lines: readonly string[]): Promise<void> => {
      if (lines.length > most) throw new Error('it has not answered in time')
      taken.push(lines)
    }
    const delivery = deliveryTo({ name: 'siem', deliver: deliverSome, close: async () => undefined }, folder)
    for (let tries = 0; taken.length < 10 && tries < 30; tries++) await delivery.step().catch(() => true)
    assert.equal(taken.length, 10)
    most = 500
    await finish(delivery)
    assert.deepEqual(taken.flat(), events)
    assert.equal(Math.max(...taken.map(({ length }) => length)), 500)
  })
})

describe('what is kept of how far a sink has come', () => {
  it('says nothing of files that are gone', async () => {
    const { folder, delivery, record } = deliver(['one\n', 'two\n'])
    assert.equal(await delivery.step(), true)
    rmSync(join(folder, nameOf(1)))
    await finish(delivery)
    assert.deepEqual(JSON.parse(readFileSync(record, 'utf8')), { [nameOf(2)]: 4 })
  })

  it('stops the delivery where it cannot be read, since everything would be sent again', async () => {
    const { batches, delivery, record } = deliver(['one\n'])
    mkdirSync(record)
    await assert.rejects(delivery.step(), { code: 'EISDIR' })
    assert.deepEqual(batches, [])
  })
})

describe('a sink that does not take what it gets', () => {
  it('over HTTP has ten seconds to answer', async (test) => {
    const server = createServer(() => undefined)
    const timeout = AbortSignal.timeout.bind(AbortSignal)
    const asked: number[] = []
    test.mock.method(AbortSignal, 'timeout', (milliseconds: number) => {
      asked.push(milliseconds)
      return timeout(20)
    })
    const { url } = await listen(server, test)
    const sink = httpSink({ name: 'siem', url, format: (line) => line })
    await assert.rejects(sink.deliver(['{}']), /timeout/)
    assert.deepEqual(asked, [10_000])
  })

  it('over UDP is not said to have an event that fits into no datagram', async (test) => {
    const sender = { host: 'gate', pid: 1 }
    const place = { transport: 'udp', host: '127.0.0.1', port: 9 } as const
    const sink = syslogSink({ name: 'siem', ...place, sender, format: (line) => line })
    test.after(() => sink.close())
    await assert.rejects(sink.deliver(['x'.repeat(70_000)]), { code: 'EMSGSIZE' })
  })
})
