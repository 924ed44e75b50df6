import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import fc from 'fast-check'
import { Refusal } from '../../src/core/errors.ts'
import { parseLossless } from '../../src/mcp/lossless.ts'
import { startConversation, type Talk } from '../../src/upstream/conversation/conversation.ts'
import type { Json } from '../../src/upstream/conversation/json-rpc.ts'
import { callerOf, type FakeServer, fakeServer, recordingSink } from '../support/fake-channel.ts'

const subscription = 'io.modelcontextprotocol/subscriptionId'

function talk(
  server: FakeServer,
  era: 'legacy' | 'modern' = 'modern',
  shared = true,
  responseSeconds = 30,
): Talk {
  return startConversation({
    era,
    shared,
    open: server.open,
    caller: callerOf('opener'),
    responseSeconds,
    onClosed() {},
  })
}

const call = (id: unknown, params: Json = {}): Json => ({ jsonrpc: '2.0', id, method: 'tools/call', params })
const say = (server: FakeServer, message: Json): void =>
  server.events().onMessage({ jsonrpc: '2.0', ...message })

describe('a number that a server writes in its own way', () => {
  /** Says what is written, numbers as they stand. */
  const write = (server: FakeServer, text: string): void =>
    server.events().onMessage(parseLossless(text) as Json)

  it('names the request that it names, and its progress', () => {
    const server = fakeServer()
    const conversation = talk(server)
    const sink = recordingSink()
    conversation.request(call('a', { _meta: { progressToken: 'mine' } }), sink, callerOf('ada'))
    write(server, '{"method":"notifications/progress","params":{"progressToken":1.0,"progress":2}}')
    write(server, '{"id":1e0,"result":{}}')
    assert.deepEqual(sink.pushed, [
      { method: 'notifications/progress', params: { progressToken: 'mine', progress: 2 } },
    ])
    assert.deepEqual(sink.finished, [{ id: 'a', result: {} }])
  })

  it('names its own question, also one that JavaScript would round', () => {
    const server = fakeServer()
    const conversation = talk(server, 'legacy', false)
    conversation.listen(recordingSink(), callerOf('ada'))
    for (const id of ['1.0', '12345678901234567890']) {
      write(server, `{"id":${id},"method":"roots/list"}`)
      conversation.tell(parseLossless(`{"id":${id},"result":{}}`) as Json, callerOf('ada'))
    }
    assert.equal(server.seen.length, 2)
  })
})

describe('two users of one shared server', () => {
  it('get their own answers and their own progress, however both number theirs (A37, A38)', () => {
    const plan = fc.array(
      fc.record({
        user: fc.constantFrom('ada', 'eve'),
        id: fc.constantFrom<unknown>(1, 2, '1', 'a'),
        token: fc.constantFrom<unknown>(undefined, 1, 2, '1'),
      }),
      { minLength: 1, maxLength: 60 },
    )
    fc.assert(
      fc.property(plan, fc.infiniteStream(fc.nat()), (requests, order) => {
        const server = fakeServer()
        const conversation = talk(server)
        const sent = requests.map(({ user, id, token }, index) => {
          const sink = recordingSink()
          const meta = token === undefined ? {} : { _meta: { progressToken: token } }
          conversation.request(call(id, { mark: index, ...meta }), sink, callerOf(user))
          return { sink, id, token }
        })
        const open = [...server.seen]
        while (open.length > 0) {
          const [message] = open.splice((order.next().value as number) % open.length, 1) as [Json]
          const { mark, _meta } = message['params'] as { mark: number; _meta?: { progressToken: unknown } }
          if (_meta !== undefined) {
            const params = { progressToken: _meta.progressToken, progress: mark }
            say(server, { method: 'notifications/progress', params })
          }
          say(server, { id: message['id'], result: { mark } })
        }
        for (const [index, { sink, id, token }] of sent.entries()) {
          assert.deepEqual(sink.finished, [{ jsonrpc: '2.0', id, result: { mark: index } }])
          const progress = token === undefined ? [] : [{ progressToken: token, progress: index }]
          assert.deepEqual(
            sink.pushed.map(({ params }) => params),
            progress,
          )
        }
        assert.equal(conversation.busy, false)
      }),
      { numRuns: 200 },
    )
  })

  it('cannot cancel each other, by any id: neither their own nor one of the gateway (A30, A37)', () => {
    const server = fakeServer()
    const conversation = talk(server)
    const [hers, his] = [recordingSink(), recordingSink()]
    conversation.request(call(1), hers, callerOf('ada'))
    conversation.request(call(7), his, callerOf('eve'))
    const [internal] = server.seen.map(({ id }) => id)
    for (const requestId of [1, internal, 2, '1', 99]) {
      const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } }
      conversation.tell(cancel, callerOf('eve'))
    }
    assert.equal(server.seen.length, 2, 'the server hears of no cancellation')
    const cancel = {
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: 1, reason: 'r' },
    }
    conversation.tell(cancel, callerOf('ada'))
    assert.deepEqual(server.seen.at(-1)?.['params'], { requestId: internal, reason: 'r' })
    assert.equal(hers.ended, 1, 'what was held open for the answer ends')
    say(server, { id: internal, result: {} })
    assert.deepEqual(hers.finished, [])
  })

  it('never hear what belongs to nobody, to a request that is over, or to a subscription of somebody else (A32)', () => {
    const server = fakeServer()
    const conversation = talk(server)
    const [hers, his] = [recordingSink(), recordingSink()]
    conversation.request({ ...call('s'), method: 'subscriptions/listen' }, hers, callerOf('ada'))
    conversation.request({ ...call('s'), method: 'subscriptions/listen' }, his, callerOf('eve'))
    const [first] = server.seen.map(({ id }) => id)
    const changed = { method: 'notifications/tools/list_changed' }
    say(server, { ...changed, params: { _meta: { [subscription]: first } } })
    say(server, { ...changed, params: {} })
    say(server, { ...changed, params: { _meta: { [subscription]: 4711 } } })
    say(server, { method: 'notifications/progress', params: { progressToken: 4711, progress: 1 } })
    say(server, { method: 'notifications/message', params: { level: 'info', data: 'whose?' } })
    say(server, { id: 'x', method: 'sampling/createMessage', params: {} })
    assert.deepEqual(
      hers.pushed.map(({ params }) => params),
      [{ _meta: { [subscription]: 's' } }],
    )
    assert.deepEqual(his.pushed, [])
    say(server, { method: 'notifications/cancelled', params: { requestId: first } })
    const result = { resultType: 'complete', _meta: { [subscription]: 's' } }
    assert.deepEqual(
      hers.finished,
      [{ jsonrpc: '2.0', id: 's', result }],
      'a subscription ends with a result (DEC1)',
    )
  })
})

describe('a conversation with a legacy server', () => {
  it('tells the last of several who listen, and another one when that is gone', () => {
    const server = fakeServer()
    const conversation = talk(server, 'legacy', false)
    const [first, second] = [recordingSink(), recordingSink()]
    conversation.listen(first, callerOf('ada'))
    const leave = conversation.listen(second, callerOf('ada'))
    const change = { method: 'notifications/tools/list_changed' }
    say(server, change)
    leave()
    say(server, change)
    assert.deepEqual([first.pushed.length, second.pushed.length], [1, 1])
    server.events().onUnheard()
    assert.deepEqual([first.ended, second.ended], [1, 0])
  })

  it('carries questions of the server to who listens, and answers to those alone (A30)', () => {
    const server = fakeServer()
    const conversation = talk(server, 'legacy', false)
    const listener = recordingSink()
    conversation.listen(listener, callerOf('ada'))
    say(server, { id: 'q', method: 'sampling/createMessage', params: {} })
    assert.equal(listener.pushed[0]?.['id'], 'q')
    for (const id of ['made-up', 'q', 'q']) {
      conversation.tell({ jsonrpc: '2.0', id, result: {} }, callerOf('ada'))
    }
    assert.deepEqual(
      server.seen.map(({ id }) => id),
      ['q'],
      'an answer goes through once, and one that nobody waits for not at all',
    )
  })

  it('carries a thousand questions that nobody has answered, and no more (A36)', () => {
    const server = fakeServer()
    const conversation = talk(server, 'legacy', false)
    const listener = recordingSink()
    conversation.listen(listener, callerOf('ada'))
    for (let id = 0; id < 1100; id++) say(server, { id, method: 'sampling/createMessage' })
    assert.equal(listener.pushed.length, 1000)
    conversation.tell({ jsonrpc: '2.0', id: 999, result: {} }, callerOf('ada'))
    say(server, { id: 'later', method: 'sampling/createMessage' })
    assert.equal(listener.pushed.at(-1)?.['id'], 'later')
  })

  it('keeps what the server asked and changed while nobody listened, for the next who does, within limits (A36)', (test) => {
    test.mock.timers.enable({ apis: ['setTimeout'] })
    const server = fakeServer()
    const conversation = talk(server, 'legacy', false)
    const question = (id: unknown, params: Json = {}): void =>
      say(server, { id, method: 'roots/list', params })
    question('first')
    question('withdrawn')
    say(server, { method: 'notifications/cancelled', params: { requestId: 'withdrawn' } })
    question('large', { text: 'x'.repeat(64 * 1024) })
    const changed = { method: 'notifications/tools/list_changed' }
    for (const told of [changed, { method: 'notifications/message', params: {} }, changed]) say(server, told)
    say(server, { method: 'notifications/cancelled', params: {} })
    for (let id = 3; id <= 20; id++) question(id)

    const silent = recordingSink()
    conversation.request(call('mine'), silent, callerOf('ada'))
    test.mock.timers.tick(30_000)
    assert.deepEqual([silent.pushed, silent.failures.length], [[], 1], 'it does not wait for an answer yet')

    const [listener, next] = [recordingSink(), recordingSink()]
    conversation.listen(listener, callerOf('ada'))
    const heard = listener.pushed.map(({ id, method }) => id ?? method)
    assert.deepEqual(heard, ['first', changed.method, ...Array.from({ length: 14 }, (_, at) => at + 3)])
    conversation.tell({ jsonrpc: '2.0', id: 'first', result: {} }, callerOf('ada'))
    assert.equal(server.seen.at(-1)?.['id'], 'first')
    conversation.listen(next, callerOf('ada'))
    assert.deepEqual(next.pushed, [])
  })

  it('ends everything that waits when it is over, with the id that the client chose', () => {
    const server = fakeServer()
    const conversation = talk(server, 'legacy', false)
    const [waiting, listener] = [recordingSink(), recordingSink()]
    conversation.request(call('mine'), waiting, callerOf('ada'))
    conversation.listen(listener, callerOf('ada'))
    server.events().onClosed(new Refusal('upstream_interrupted'))
    assert.deepEqual(waiting.failures, [{ code: 'upstream_interrupted', id: 'mine' }])
    assert.equal(listener.ended, 1)
  })

  it('gives up a request about which the server says nothing, and tells it so', (test) => {
    test.mock.timers.enable({ apis: ['setTimeout'] })
    const server = fakeServer()
    const conversation = talk(server, 'legacy', false)
    const silent = recordingSink()
    conversation.request(call(1), silent, callerOf('ada'))
    test.mock.timers.tick(30_000)
    assert.deepEqual(silent.failures, [{ code: 'upstream_timeout', id: 1 }])
    assert.deepEqual(server.seen.at(-1)?.['params'], { requestId: 1 })
  })

  it('waits for as long as the server says something, and no longer', async () => {
    const server = fakeServer()
    const conversation = talk(server, 'legacy', false, 0.3)
    const sink = recordingSink()
    conversation.request(call('mine', { _meta: { progressToken: 'p' } }), sink, callerOf('ada'))
    for (let progress = 1; progress <= 4; progress++) {
      await wait(150)
      say(server, { method: 'notifications/progress', params: { progressToken: 1, progress } })
    }
    assert.deepEqual(sink.failures, [])
    await wait(600)
    assert.deepEqual(sink.failures, [{ code: 'upstream_timeout', id: 'mine' }])
    assert.deepEqual(server.seen.at(-1)?.['params'], { requestId: 1 })
  })

  it('waits for a server that waits for its client, and for the answer after that', async () => {
    const server = fakeServer()
    const conversation = talk(server, 'legacy', false, 0.3)
    const sink = recordingSink()
    conversation.request(call('mine'), sink, callerOf('ada'))
    say(server, { id: 'q', method: 'elicitation/create', params: {} })
    await wait(500)
    conversation.tell({ jsonrpc: '2.0', id: 'q', result: {} }, callerOf('ada'))
    await wait(150)
    assert.deepEqual(sink.failures, [])
    say(server, { id: 'unanswered', method: 'ping' })
    for (const id of ['p', 'q', 'r']) {
      say(server, { id, method: 'ping' })
      conversation.tell({ jsonrpc: '2.0', id, result: {} }, callerOf('ada'))
      await wait(200)
    }
    assert.deepEqual(sink.failures, [{ code: 'upstream_timeout', id: 'mine' }], 'a ping is no such question')
  })

  it('waits for ever for what a subscription has to say, once it is acknowledged', async () => {
    const server = fakeServer()
    const conversation = talk(server, 'modern', true, 0.1)
    const [acknowledged, ignored] = [recordingSink(), recordingSink()]
    const listen = (): Json => ({ ...call('s'), method: 'subscriptions/listen' })
    conversation.request(listen(), acknowledged, callerOf('ada'))
    conversation.request(listen(), ignored, callerOf('ada'))
    say(server, {
      method: 'notifications/subscriptions/acknowledged',
      params: { _meta: { [subscription]: 1 } },
    })
    await wait(400)
    assert.deepEqual(acknowledged.failures, [])
    assert.deepEqual(ignored.failures, [{ code: 'upstream_timeout', id: 's' }])
  })

  it('names those whose requests it works on, without those who only listen', () => {
    const server = fakeServer()
    const conversation = talk(server)
    conversation.request({ ...call(1), method: 'subscriptions/listen' }, recordingSink(), callerOf('eve'))
    conversation.request(call(1), recordingSink(), callerOf('ada'))
    conversation.request(call(1), recordingSink(), callerOf('ben'))
    say(server, { id: 3, result: {} })
    assert.deepEqual([...conversation.callers], ['ada'])
  })
})
