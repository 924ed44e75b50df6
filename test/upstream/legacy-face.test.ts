import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Refusal } from '../../src/core/errors.ts'
import { legacyFace } from '../../src/upstream/bridge/legacy-face.ts'
import type { Conversation } from '../../src/upstream/conversation/contract.ts'
import { callOf, type Json } from '../../src/upstream/conversation/json-rpc.ts'
import { callerOf, type RecordingSink, recordingSink } from '../support/fake-channel.ts'
import { type FakeConversation, fakeConversation } from '../support/fake-conversation.ts'

const self = { name: 'gate', version: '1' }
const ada = callerOf('ada')
const mismatch = { error: { code: -32020, message: 'Header mismatch' } }
const capabilities = { tools: { listChanged: true } }

let server: FakeConversation
let face: Conversation
beforeEach(() => {
  server = fakeConversation()
  face = legacyFace({ reach: () => server, self, onClosed() {} })
})

async function send(method: string, params: Json = {}): Promise<RecordingSink> {
  const sink = recordingSink()
  face.request(callOf(method, params, 'mine'), sink, ada)
  await turn()
  return sink
}

async function answer(method: string, said: Json): Promise<void> {
  server.answer(method, said)
  await turn()
}

const resultIn = ({ finished }: RecordingSink): unknown => finished[0]?.['result']
const errorIn = ({ finished }: RecordingSink): Json | undefined => finished[0]?.['error'] as Json | undefined

async function acknowledge(resourceSubscriptions: unknown): Promise<void> {
  const method = 'notifications/subscriptions/acknowledged'
  server.take('subscriptions/listen').sink.push(callOf(method, { notifications: { resourceSubscriptions } }))
  await turn()
}

describe('the session that a legacy client opens at a modern server', () => {
  it('is described by what the server says of itself, as far as it is well-formed', async () => {
    const opened = await send('initialize', { protocolVersion: '2025-06-18' })
    await answer('server/discover', { result: { capabilities, instructions: 5 } })
    assert.deepEqual(resultIn(opened), { protocolVersion: '2025-06-18', capabilities, serverInfo: self })
  })

  it('can be opened once the server is there again', async () => {
    const failed = await send('initialize')
    server.take('server/discover').sink.fail(new Refusal('upstream_unreachable'))
    await turn()
    assert.deepEqual(failed.failures, [{ code: 'upstream_unreachable', id: 'mine' }])
    const opened = await send('initialize')
    await answer('server/discover', { result: { capabilities } })
    assert.ok(resultIn(opened))
  })
})

describe('a resource that a legacy client subscribes to at a modern server', () => {
  it('is named by a string, and is one of not too many', async () => {
    assert.equal(errorIn(await send('resources/subscribe', { uri: 5 }))?.['code'], -32602)
    for (let number = 0; number < 256; number++)
      assert.deepEqual(resultIn(await send('resources/subscribe', { uri: `test:///${number}` })), {})
    assert.equal(errorIn(await send('resources/subscribe', { uri: 'test:///256' }))?.['code'], -32602)
    assert.deepEqual(resultIn(await send('resources/unsubscribe', { uri: 'test:///0' })), {})
    assert.deepEqual(resultIn(await send('resources/subscribe', { uri: 'test:///256' })), {})
  })

  it('is refused if the server does not acknowledge it, and is not requested again', async () => {
    face.listen(recordingSink(), ada)
    await answer('server/discover', { result: { capabilities } })
    await acknowledge([])
    const refused = await send('resources/subscribe', { uri: 'test:///a' })
    await acknowledge([])
    assert.deepEqual(errorIn(refused)?.['data'], { uri: 'test:///a' })
    const granted = await send('resources/subscribe', { uri: 'test:///b' })
    const filter = server.lastParams()['notifications'] as Json
    assert.deepEqual(filter['resourceSubscriptions'], ['test:///b'])
    await acknowledge(['test:///b'])
    assert.deepEqual(resultIn(granted), {})
  })

  it('keeps the session from being given up only while its client listens', async () => {
    await send('resources/subscribe', { uri: 'test:///a' })
    assert.equal(face.busy, false)
    const leave = face.listen(recordingSink(), ada)
    assert.equal(face.busy, true)
    leave()
    assert.equal(face.busy, false)
  })
})

describe('the stream of a legacy client of a modern server', () => {
  it('opens nothing at the server for a client that has left before the server could be asked', async () => {
    face.listen(recordingSink(), ada)()
    await answer('server/discover', { result: { capabilities } })
    assert.deepEqual(server.methods(), ['server/discover'])
  })

  it('is one at the server, however many the client opens, and ends there with the last', async () => {
    const leaves = [face.listen(recordingSink(), ada)]
    await answer('server/discover', { result: { capabilities } })
    leaves.push(face.listen(recordingSink(), ada))
    await turn()
    assert.deepEqual(server.methods(), ['server/discover', 'subscriptions/listen'])
    leaves[0]?.()
    assert.equal(server.cancelled.length, 0)
    leaves[1]?.()
    assert.equal(server.cancelled.length, 1)
  })
})

describe('a request of a legacy client to a modern server', () => {
  const tool = (name: string): Json => ({
    name,
    inputSchema: { properties: { a: { type: 'string', 'x-mcp-header': 'A' } } },
  })
  const call = { name: 'last', arguments: { a: 'x' } }
  const ownHeaders = (): readonly string[] => server.reached.at(-1)?.caller.headers.slice(2) ?? []

  it('is repeated with the headers that the tool wants, which may be on any page of the list (O9)', async () => {
    const sink = await send('tools/call', call)
    await answer('tools/call', mismatch)
    await answer('tools/list', { result: { tools: [tool('first')], nextCursor: 'more' } })
    assert.equal(server.lastParams()['cursor'], 'more')
    await answer('tools/list', { result: { tools: [tool('last')] } })
    assert.deepEqual(ownHeaders(), ['Mcp-Param-A', 'x'])
    await answer('tools/call', { result: { content: [] } })
    assert.deepEqual(resultIn(sink), { content: [] })
  })

  it('has them from the beginning if the client has listed the tools', async () => {
    await send('tools/list')
    await answer('tools/list', { result: { tools: [tool('last')] } })
    await send('tools/call', call)
    assert.deepEqual(ownHeaders(), ['Mcp-Param-A', 'x'])
  })

  it('is repeated once, after a list that ends at some point', async () => {
    const sink = await send('tools/call', call)
    await answer('tools/call', mismatch)
    for (let page = 0; page < 20; page++)
      await answer('tools/list', { result: { tools: [], nextCursor: 'x' } })
    await answer('tools/call', mismatch)
    assert.equal(sink.finished.length, 1)
    assert.equal(server.methods().filter((method) => method === 'tools/list').length, 20)
  })

  it('is repeated without a list that the server refuses', async () => {
    await send('tools/call', call)
    await answer('tools/call', mismatch)
    await answer('tools/list', { error: { code: -32603, message: 'no' } })
    assert.deepEqual(server.methods(), ['tools/call', 'tools/list', 'tools/call'])
  })

  it('is not repeated if it calls no tool', async () => {
    const sink = await send('prompts/get', { name: 'a' })
    await answer('prompts/get', mismatch)
    assert.equal(errorIn(sink)?.['code'], -32603)
    assert.deepEqual(server.methods(), ['prompts/get'])
  })

  it('is refused where its era knows what the other does not, in the request or in the answer', async () => {
    for (const [method, params] of [
      ['tasks/get', { taskId: '1' }],
      ['tools/call', { ...call, task: {} }],
    ] as const) {
      assert.deepEqual(errorIn(await send(method, params))?.['data'], { code: 'era_unbridgeable' }, method)
    }
    assert.deepEqual(server.methods(), [])
    for (const [resultType, reason] of [
      ['input_required', /asks the user/],
      ['task', /tasks/],
    ] as const) {
      const sink = await send('tools/call', call)
      await answer('tools/call', { result: { resultType } })
      assert.match(String(errorIn(sink)?.['message']), reason)
    }
  })

  it('keeps the session busy until it has an answer, an end or none', async () => {
    for (const end of [
      (): void => server.answer('tools/call', { result: {} }),
      (): void => server.take('tools/call').sink.fail(new Refusal('upstream_timeout')),
      (): void => server.take('tools/call').sink.end(200),
    ]) {
      const sink = await send('tools/call', call)
      assert.equal(face.busy, true)
      end()
      assert.equal(face.busy, false)
      assert.equal(sink.finished.length + sink.failures.length + sink.ended, 1)
    }
    server.request = () => {
      throw new Refusal('session_unknown')
    }
    const { failures } = await send('tools/call', call)
    assert.deepEqual([failures[0]?.code, face.busy], ['session_unknown', false])
  })

  it('is cancelled at the server when nobody waits for it, and when the session is over', async () => {
    const sink = await send('tools/call', call)
    face.cancel(sink, ada)
    assert.deepEqual([server.cancelled.length, face.busy], [1, false])
    const waiting = await send('tools/list')
    const stream = recordingSink()
    face.listen(stream, ada)
    await face.stop()
    assert.deepEqual([server.cancelled.length, face.busy, stream.ended], [2, false, 1])
    assert.deepEqual([sink.failures, waiting.failures], [[], [{ code: 'gateway_interrupted', id: 'mine' }]])
  })

  it('tells the server of nothing that its era does not know', () => {
    face.tell(callOf('notifications/roots/list_changed', {}), ada)
    face.tell(callOf('notifications/cancelled', { requestId: 1 }), ada)
    assert.deepEqual(
      server.told.map(({ method }) => method),
      ['notifications/cancelled'],
    )
  })

  it('says nothing long of its client (DEC6)', async () => {
    for (const [name, said] of [
      ['x'.repeat(2000), undefined],
      ['x', { name: 'x' }],
    ] as const) {
      face = legacyFace({ reach: () => server, self, onClosed() {} })
      await send('initialize', { clientInfo: { name } })
      const meta = server.lastParams()['_meta'] as Json
      assert.deepEqual(meta['io.modelcontextprotocol/clientInfo'], said)
    }
  })
})
