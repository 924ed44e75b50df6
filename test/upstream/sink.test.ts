import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { Refusal } from '../../src/core/errors.ts'
import type { Rewrite } from '../../src/upstream/contract.ts'
import { openSink, type Sink } from '../../src/upstream/conversation/sink.ts'
import { listen } from '../support/listen.ts'
import { readSlowly } from '../support/read-slowly.ts'

/** As much of an HTTP answer as a sink needs. */
class FakeAnswer extends EventEmitter {
  readonly written: string[] = []
  readonly statuses: number[] = []
  closed = false
  writableEnded = false
  readonly writableLength = 0
  readonly writableNeedDrain = false
  writeHead(status: number): this {
    this.statuses.push(status)
    return this
  }
  destroyed = false
  flushHeaders(): void {}
  destroy(): void {
    this.destroyed = true
  }
  write(text: string): boolean {
    this.written.push(text)
    return true
  }
  end(text?: string): this {
    if (text !== undefined) this.written.push(text)
    this.writableEnded = true
    this.closed = true
    this.emit('close')
    return this
  }
}

function open(
  era: 'legacy' | 'modern',
  rewrite?: Rewrite,
): { answer: FakeAnswer } & Pick<ReturnType<typeof openSink>, 'sink' | 'done'> {
  const answer = new FakeAnswer()
  const accept = (status: number): { status: number; headers: string[] } => ({ status, headers: [] })
  const { sink, done } = openSink({ res: answer as unknown as ServerResponse, accept, rewrite }, {}, era)
  return { answer, sink, done }
}

describe('the answer that messages of a server go into', () => {
  it('has a comment soon, then now and then while it is a stream, and none when it is over (O15)', (test) => {
    test.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
    const { answer, sink } = open('legacy')
    sink.open()
    test.mock.timers.tick(1000)
    assert.deepEqual(answer.written, [': \n\n'])
    test.mock.timers.tick(25_000)
    assert.deepEqual(answer.written, [': \n\n', ': \n\n'])
    sink.finish({ id: 1, result: {} })
    test.mock.timers.tick(100_000)
    assert.deepEqual(answer.written.slice(2), ['event: message\ndata: {"id":1,"result":{}}\n\n'])
  })

  it('has a status of HTTP for the codes of a modern error that have one, and 200 for whatever else is there (A71)', () => {
    const codes: unknown[] = [-32601, -32602, 'constructor', '__proto__', null, [], {}, { toString: 1 }]
    const statuses = codes.flatMap((code) => {
      const { answer, sink } = open('modern')
      sink.finish({ id: 1, error: { code } })
      return answer.statuses
    })
    assert.deepEqual(statuses, [404, ...codes.slice(1).map(() => 200)])
  })

  it('takes nothing behind its end, and nothing for a client that has left', () => {
    for (const state of [{ writableEnded: true }, { closed: true }]) {
      const { answer, sink } = open('legacy')
      sink.open()
      Object.assign(answer, state)
      sink.push({ method: 'late' })
      sink.finish({ id: 1, result: {} })
      sink.end(200)
      assert.deepEqual([answer.statuses, answer.written], [[200], []], JSON.stringify(state))
    }
  })

  it('ends where it is a stream, and breaks off where it fails and no request can be told', async () => {
    const { answer, sink } = open('legacy')
    sink.open()
    sink.end(202)
    assert.deepEqual([answer.statuses, answer.writableEnded], [[200], true])
    const other = open('legacy')
    other.sink.open()
    other.sink.fail(new Refusal('upstream_interrupted'))
    assert.deepEqual([other.answer.destroyed, other.answer.written], [true, []])
    await assert.rejects(other.done, { code: 'upstream_interrupted' })
  })

  it('is done at once for a client that has left before', { timeout: 10_000 }, async () => {
    const res = Object.assign(new FakeAnswer(), { closed: true }) as unknown as ServerResponse
    await openSink({ res, accept: () => assert.fail('answered') }, {}, 'legacy').done
  })

  it('has the status that goes with an error in the modern era, and 200 in the legacy one (O13)', () => {
    for (const [code, status] of [
      [-32601, 404],
      [-32021, 400],
      [-32602, 200],
    ] as const) {
      const [modern, legacy] = [open('modern'), open('legacy')]
      for (const { sink } of [modern, legacy]) sink.finish({ id: 1, error: { code, message: 'no' } })
      assert.deepEqual([modern.answer.statuses, legacy.answer.statuses], [[status], [200]])
    }
  })

  it('has no message that the client does not get, and all others', () => {
    const change = (message: unknown): unknown =>
      (message as { method?: string }).method === 'hidden' ? undefined : message
    const rewrite = { change, concerns: () => true, documents: true }
    const { answer, sink } = open('legacy', rewrite)
    sink.push({ method: 'hidden' })
    assert.deepEqual([answer.statuses, answer.written], [[], []])
    sink.push({ method: 'shown' })
    sink.finish([{ method: 'hidden' }, { id: 1 }])
    assert.deepEqual(
      answer.written.map((event) => event.trim().split('data: ')[1]),
      ['{"method":"shown"}', '[{"id":1}]'],
    )
    const nothing = open('legacy', rewrite)
    nothing.sink.finish([{ method: 'hidden' }])
    assert.deepEqual([nothing.answer.statuses, nothing.answer.written], [[202], []])
  })
})

const longMilliseconds = 50_000
/** More than the buffers of a connection hold. */
const large = { id: 1, result: { text: 'x'.repeat(7 << 20) } }

/** A sink behind a real connection, whose client reads nothing yet. Resolves when the client is let go, or has all. */
async function openUnread(
  test: TestContext,
  use: (sink: Sink) => void,
  patience = 200,
): Promise<{ client: Socket; over: Promise<'finished' | 'cut' | 'still open'> }> {
  const { promise: over, resolve } = Promise.withResolvers<'finished' | 'cut'>()
  const server = createServer((_req, res) => {
    const accept = (status: number): { status: number; headers: string[] } => ({ status, headers: [] })
    res.once('close', () => resolve(res.writableFinished ? 'finished' : 'cut'))
    use(openSink({ res, accept }, {}, 'modern', patience).sink)
  })
  const client = connect((await listen(server, test)).port, '127.0.0.1')
  test.after(() => client.destroy())
  client.on('error', () => {}) // a reset is what this is about
  client.pause().write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
  return { client, over: Promise.race([over, wait(longMilliseconds, 'still open' as const, { ref: false })]) }
}

describe('a client that does not read (A36)', { timeout: 60_000 }, () => {
  it('is let go when it leaves its answer, whole or the last of a stream', async (test) => {
    const ways: ((sink: Sink) => void)[] = [
      (sink) => sink.finish(large),
      (sink) => {
        sink.push({ method: 'notifications/progress' })
        sink.finish(large)
      },
    ]
    for (const use of ways) assert.equal(await (await openUnread(test, use)).over, 'cut')
  })

  it('is let go when it leaves what a stream has said', async (test) => {
    assert.equal(await (await openUnread(test, (sink) => sink.push(large))).over, 'cut')
  })

  it('is waited for as long as it reads, however slowly', async (test) => {
    const patience = 2000
    const use = (sink: Sink): void => {
      sink.push(large)
      sink.finish(large)
    }
    const { client, over } = await openUnread(test, use, patience)
    const read = readSlowly(client, 2 * patience)
    assert.equal(await over, 'finished')
    await once(client, 'end')
    assert.ok(read() > 14 << 20, `${read()} bytes came`)
  })
})
