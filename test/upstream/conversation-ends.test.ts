import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { Refusal } from '../../src/core/errors.ts'
import { changeStream } from '../../src/upstream/bridge/change-stream.ts'
import { ask } from '../../src/upstream/conversation/ask.ts'
import type { OpenChannel } from '../../src/upstream/conversation/channel.ts'
import { startConversation, type Talk } from '../../src/upstream/conversation/conversation.ts'
import type { Json } from '../../src/upstream/conversation/json-rpc.ts'
import { callerOf, type FakeServer, fakeServer, recordingSink } from '../support/fake-channel.ts'
import { until } from '../support/until.ts'

const subscription = 'io.modelcontextprotocol/subscriptionId'
const ada = callerOf('ada')

function talk(
  open: OpenChannel,
  era: 'legacy' | 'modern' = 'legacy',
  onClosed = (): void => {},
  responseSeconds = 30,
): Talk {
  return startConversation({ era, shared: false, open, caller: ada, responseSeconds, onClosed })
}

const call = (id: unknown): Json => ({ jsonrpc: '2.0', id, method: 'tools/call', params: {} })
const say = (server: FakeServer, message: Json): void =>
  server.events().onMessage({ jsonrpc: '2.0', ...message })
const methods = (messages: readonly Json[]): unknown[] => messages.map(({ method }) => method)

/** A channel of a server that does not read. */
function deaf(error: Error): OpenChannel {
  return (events, headers) => ({
    ...fakeServer().open(events, headers),
    send() {
      throw error
    },
    abandon() {
      throw error
    },
  })
}

describe('a request in a conversation', () => {
  it('alone is cancelled when its client leaves (A37)', () => {
    const server = fakeServer()
    const conversation = talk(server.open)
    const [gone, other] = [recordingSink(), recordingSink()]
    conversation.request(call('a'), gone, ada)
    conversation.request(call('b'), other, ada)
    conversation.cancel(gone, ada)
    assert.deepEqual(server.seen.at(-1)?.['params'], { requestId: 1 })
    say(server, { id: 2, result: {} })
    assert.equal(other.finished.length, 1)
    assert.equal(server.seen.length, 3)
  })

  it('is not waited for if it cannot be sent, or if its client has gone', () => {
    const conversation = talk(deaf(new Refusal('upstream_interrupted')))
    assert.throws(() => conversation.request(call(1), recordingSink(), ada), { code: 'upstream_interrupted' })
    assert.equal(conversation.busy, false)
    const other = talk(fakeServer().open)
    const sink = recordingSink()
    other.request(call(1), sink, ada)
    assert.equal(other.busy, true)
    sink.closed = true
    assert.equal(other.busy, false)
  })

  it('is cancelled as far as the server reads, and no fault of the gateway is hidden', () => {
    for (const error of [new Refusal('upstream_interrupted'), new TypeError('a fault')]) {
      const conversation = talk((events, headers) => ({
        ...deaf(error)(events, headers),
        send() {},
      }))
      const sink = recordingSink()
      conversation.request(call(1), sink, ada)
      const cancel = (): void => conversation.cancel(sink, ada)
      if (error instanceof Refusal) cancel()
      else assert.throws(cancel, error)
    }
  })

  it('is not ended by what a legacy server takes back of its own, though it has the same number', () => {
    const server = fakeServer()
    const conversation = talk(server.open)
    const sink = recordingSink()
    conversation.request(call('mine'), sink, ada)
    say(server, { id: 1, method: 'elicitation/create', params: {} })
    say(server, { method: 'notifications/cancelled', params: { requestId: 1 } })
    assert.deepEqual(methods(sink.pushed), ['elicitation/create', 'notifications/cancelled'])
    assert.deepEqual(sink.finished, [])
    conversation.tell({ jsonrpc: '2.0', id: 1, result: {} }, ada)
    assert.equal(server.seen.length, 1, 'an answer to what was taken back goes nowhere')
    say(server, { id: 1, result: {} })
    assert.equal(sink.finished[0]?.['id'], 'mine')
  })

  it('is cancelled by its client alone, and what the gateway asks by itself is not, by any id (A37)', async () => {
    const server = fakeServer()
    const conversation = talk(server.open)
    const asked = ask(conversation, call('tools'), ada)
    const sink = recordingSink()
    conversation.request(call('tools'), sink, ada)
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'tools' } }
    for (let time = 0; time < 2; time++) conversation.tell(structuredClone(cancel), ada)
    assert.deepEqual([sink.ended, server.seen.at(-1)?.['params']], [1, { requestId: 2 }])
    say(server, { id: 1, result: {} })
    assert.equal((await asked)['id'], 'tools')
  })

  it('does not end what its client hears of changes because of an id that it cancels (A37)', async () => {
    const server = fakeServer()
    const conversation = talk(server.open, 'modern')
    const stream = changeStream(() => undefined, assert.fail)
    const capabilities = { tools: { listChanged: true } }
    const granted = stream.renew({ conversation, capabilities, envelope: {}, uris: new Set(), caller: ada })
    conversation.tell({ method: 'notifications/cancelled', params: { requestId: 'listen' } }, ada)
    assert.deepEqual(methods(server.seen), ['subscriptions/listen'])
    stream.end()
    assert.deepEqual(methods(server.seen), ['subscriptions/listen', 'notifications/cancelled'])
    assert.deepEqual(await granted, new Set())
  })

  it('gets back its own subscription id alone', () => {
    const server = fakeServer()
    const conversation = talk(server.open, 'modern')
    for (const [id, said, restored] of [
      [1, 1, 'mine'],
      [2, 99, 99],
    ]) {
      const sink = recordingSink()
      conversation.request(call('mine'), sink, ada)
      say(server, { id, result: { _meta: { [subscription]: said } } })
      assert.deepEqual(sink.finished[0]?.['result'], { _meta: { [subscription]: restored } })
    }
  })
})

describe('a question that its client does not answer', () => {
  it('keeps what waits from being given up for an hour, and what is asked later for the rest of it (A36)', async (test) => {
    let now = 1000
    test.mock.method(performance, 'now', () => now)
    const server = fakeServer()
    const conversation = talk(server.open, 'legacy', undefined, 0.05)
    const sinks = ['a', 'b'].map((id) => {
      const sink = recordingSink()
      conversation.request(call(id), sink, ada)
      if (id === 'a') say(server, { id: 'q', method: 'elicitation/create', params: {} })
      return sink
    })
    now += 3_599_999
    // Time for the requests to be given up, which they must not be.
    await wait(300)
    assert.deepEqual(
      sinks.flatMap(({ failures }) => failures),
      [],
    )
    now += 1
    await until(() => sinks.every(({ failures }) => failures.length === 1))
    assert.deepEqual(sinks[0]?.failures, [{ code: 'upstream_timeout', id: 'a' }])
    conversation.tell({ jsonrpc: '2.0', id: 'q', result: {} }, ada)
    assert.equal(server.seen.at(-1)?.['id'], 'q', 'a late answer is for the server to judge')
  })
})

describe('what belongs to no request of a conversation', () => {
  it('is heard for as long as somebody listens', () => {
    const server = fakeServer()
    const conversation = talk(server.open)
    const leaves = [1, 2].map(() => conversation.listen(recordingSink(), ada))
    leaves[0]?.()
    assert.deepEqual([server.unheard, conversation.listened], [0, true])
    leaves[1]?.()
    assert.deepEqual([server.unheard, conversation.listened], [1, false])
  })

  it('reaches nobody if it names one that is over', () => {
    for (const era of ['legacy', 'modern'] as const) {
      const server = fakeServer()
      const conversation = talk(server.open, era)
      const [sink, listener] = [recordingSink(), recordingSink()]
      conversation.request(call(1), sink, ada)
      conversation.listen(listener, ada)
      say(server, { method: 'notifications/progress', params: { progressToken: 99, progress: 1 } })
      say(server, { method: 'notifications/tools/list_changed', params: { _meta: { [subscription]: 99 } } })
      assert.deepEqual([...sink.pushed, ...listener.pushed], [], era)
    }
  })

  it('begins the answers that wait if it is a question: the Python SDK answers none before it has their heads', () => {
    const server = fakeServer()
    const conversation = talk(server.open)
    const [listener, waiting] = [recordingSink(), recordingSink()]
    conversation.listen(listener, ada)
    conversation.request(call('mine'), waiting, ada)
    say(server, { method: 'notifications/message', params: {} })
    assert.equal(waiting.opened, 0, 'what needs no answer can wait')
    say(server, { id: 'q', method: 'elicitation/create', params: {} })
    assert.deepEqual([listener.pushed.length, waiting.pushed.length, waiting.opened], [2, 0, 1])
  })

  it('is no question where the server has other ways to ask (O16)', () => {
    const server = fakeServer()
    const conversation = talk(server.open, 'modern')
    const sink = recordingSink()
    conversation.request(call(1), sink, ada)
    say(server, { id: 'q', method: 'elicitation/create', params: {} })
    assert.deepEqual(sink.pushed, [])
  })
})

describe('a conversation', () => {
  it('is over once', () => {
    let closed = 0
    const server = fakeServer()
    talk(server.open, 'legacy', () => closed++)
    for (let time = 0; time < 2; time++) server.events().onClosed(new Refusal('upstream_interrupted'))
    assert.equal(closed, 1)
  })
})
