import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { CallSummary } from '../../src/gateway/call.ts'
import type { Note } from '../../src/gateway/note.ts'
import { runningRequests } from '../../src/gateway/running-requests.ts'
import type { Exchange } from '../../src/http/exchange.ts'

type Running = ReturnType<typeof runningRequests>

/** A gateway's running requests, of which those of `ended` may not go on. */
function watch(test: TestContext): { running: Running; ended: Set<Note>; second: () => void } {
  test.mock.timers.enable({ apis: ['setInterval'] })
  const ended = new Set<Note>()
  const running = runningRequests((note) => !ended.has(note))
  test.after(() => running.stop())
  return { running, ended, second: () => test.mock.timers.tick(1000) }
}

const stream = { verb: 'GET', methods: [], id: undefined } as unknown as CallSummary
const listening = { verb: 'POST', methods: ['subscriptions/listen'], id: 7 } as unknown as CallSummary
const call = { verb: 'POST', methods: ['tools/call'], id: 8 } as unknown as CallSummary

/** Adds a request, whose end says with which text it was ended. */
function begin(
  running: Running,
  summary: CallSummary | undefined,
  { headersSent = true, upstream = 'a' } = {},
) {
  const ends: (string | undefined)[] = []
  const res = { headersSent, end: (text?: string) => void ends.push(text) }
  const exchange = { res } as unknown as Exchange
  const note: Note = { kind: 'mcp', upstream, ...(summary === undefined ? {} : { call: summary }) }
  running.add(exchange, note)
  return { exchange, note, ends, res }
}

/** Whether it has been resolved by now. */
async function isOver(promise: Promise<void>): Promise<boolean> {
  let over = false
  void promise.then(() => {
    over = true
  })
  await setImmediate()
  return over
}

describe('a stream that may not go on', () => {
  it('ends within a second, with the answer to its request, and no other does (A9)', (test) => {
    const { running, ended, second } = watch(test)
    const requests = [stream, listening, call, undefined].map((one) => begin(running, one))
    const other = begin(running, stream)
    for (const { note } of requests) ended.add(note)
    second()
    const [got, heard, called, unread] = requests.map(({ ends }) => ends)
    assert.deepEqual([got, called, unread, other.ends], [[undefined], [], [], []])
    assert.match(heard?.[0] ?? '', /^event: message\ndata: \{"jsonrpc":"2.0","id":7,"result":\{.*\}\}\n\n$/)
  })

  it('ends only once it is open', (test) => {
    const { running, ended, second } = watch(test)
    const { note, ends, res } = begin(running, stream, { headersSent: false })
    ended.add(note)
    second()
    assert.deepEqual(ends, [])
    res.headersSent = true
    second()
    assert.deepEqual(ends, [undefined])
  })

  it('is not looked for in a gateway that has stopped', (test) => {
    const { running, ended, second } = watch(test)
    const { note, ends } = begin(running, stream)
    ended.add(note)
    running.stop()
    second()
    assert.deepEqual(ends, [])
  })
})

describe('a gateway that ends', () => {
  it('ends its streams at once, and those that open later within a second (A72)', (test) => {
    const { running, second } = watch(test)
    const early = begin(running, stream)
    const called = begin(running, call)
    assert.equal(running.areLast, false)
    running.endStreams()
    assert.equal(running.areLast, true)
    assert.deepEqual([early.ends, called.ends], [[undefined], []])
    running.remove(early.exchange)
    const late = begin(running, stream)
    second()
    assert.deepEqual([early.ends, late.ends, called.ends], [[undefined], [undefined], []])
  })

  it('is idle when its last request is over', async (test) => {
    const { running } = watch(test)
    assert.equal(await isOver(running.idle()), true)
    const requests = [begin(running, call), begin(running, stream)]
    const idle = running.idle()
    for (const { exchange } of requests) {
      assert.equal(await isOver(idle), false)
      running.remove(exchange)
    }
    assert.equal(await isOver(idle), true)
  })
})

describe('a gateway that another one follows', () => {
  it('ends the streams of what is gone, now or when they open, and waits for its calls alone', async (test) => {
    const { running, second } = watch(test)
    const gone = begin(running, stream)
    const called = begin(running, call)
    const kept = begin(running, stream, { upstream: 'b' })
    const left = running.leave(({ upstream }) => upstream === 'a')
    assert.deepEqual([gone.ends, called.ends, kept.ends], [[undefined], [], []])
    running.remove(gone.exchange)
    const late = begin(running, stream)
    running.remove(called.exchange)
    assert.equal(await isOver(left), false)
    second()
    assert.deepEqual([late.ends, kept.ends], [[undefined], []])
    running.remove(late.exchange)
    assert.equal(await isOver(left), true)
  })

  it('does not go on asking what is gone once nothing of it runs', (test) => {
    const { running } = watch(test)
    let asked = 0
    void running.leave(() => ++asked === 0)
    const { exchange } = begin(running, call)
    running.remove(begin(running, call).exchange)
    running.remove(exchange)
    assert.equal(asked, 0)
  })
})
