import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { describe, it } from 'node:test'
import type { Rewrite } from '../../src/upstream/contract.ts'
import { openSink } from '../../src/upstream/conversation/sink.ts'

/** As much of an HTTP answer as a sink needs. */
class FakeAnswer extends EventEmitter {
  readonly written: string[] = []
  readonly statuses: number[] = []
  closed = false
  writableEnded = false
  readonly writableLength = 0
  writeHead(status: number): this {
    this.statuses.push(status)
    return this
  }
  flushHeaders(): void {}
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
): { answer: FakeAnswer; sink: ReturnType<typeof openSink>['sink'] } {
  const answer = new FakeAnswer()
  const accept = (status: number): { status: number; headers: string[] } => ({ status, headers: [] })
  const { sink } = openSink({ res: answer as unknown as ServerResponse, accept, rewrite }, {}, era)
  return { answer, sink }
}

describe('the answer that messages of a server go into', () => {
  it('has a comment now and then while it is a stream, and none when it is over (O15)', (test) => {
    test.mock.timers.enable({ apis: ['setInterval'] })
    const { answer, sink } = open('legacy')
    sink.open()
    test.mock.timers.tick(25_000)
    assert.deepEqual(answer.written, [': \n\n'])
    sink.finish({ id: 1, result: {} })
    test.mock.timers.tick(100_000)
    assert.deepEqual(answer.written.slice(1), ['event: message\ndata: {"id":1,"result":{}}\n\n'])
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
