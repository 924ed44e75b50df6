import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Refusal } from '../../src/core/errors.ts'
import { modernFace } from '../../src/upstream/bridge/modern-face.ts'
import type { Conversation } from '../../src/upstream/conversation/contract.ts'
import { asObject, callOf, type Json } from '../../src/upstream/conversation/json-rpc.ts'
import { callerOf, type RecordingSink, recordingSink } from '../support/fake-channel.ts'
import { type FakeConversation, fakeConversation } from '../support/fake-conversation.ts'

const ada = callerOf('ada')
const levelKey = 'io.modelcontextprotocol/logLevel'
const capabilities = { tools: { listChanged: true }, logging: {} }

/** The sessions of the server, in the order in which they were opened. */
let sessions: FakeConversation[]
/** Says that a session is over. */
let closed: (() => void)[]
let face: Conversation
beforeEach(() => {
  sessions = []
  closed = []
  face = modernFace({
    start(_caller, onClosed) {
      closed.push(onClosed)
      sessions.push(fakeConversation())
      return sessions.at(-1) as FakeConversation
    },
    self: { name: 'gate', version: '1' },
    onClosed() {},
  })
})

const session = (): FakeConversation => sessions.at(-1) as FakeConversation

async function send(method: string, params: Json = {}): Promise<RecordingSink> {
  const sink = recordingSink()
  face.request(callOf(method, params, 'mine'), sink, ada)
  await turn()
  return sink
}

async function answer(method: string, said: Json, of = session()): Promise<void> {
  of.answer(method, said)
  await turn()
}

const opened = (said: Json = capabilities): Promise<void> =>
  answer('initialize', { result: { capabilities: said } })

/** A client that subscribes to changes of the list of tools. */
const subscribe = (): Promise<RecordingSink> =>
  send('subscriptions/listen', { notifications: { toolsListChanged: true } })

const changed = callOf('notifications/tools/list_changed', {})

describe('the session at a legacy server', () => {
  it('is opened once, for all who wait for it', async () => {
    await Promise.all([send('tools/list'), send('prompts/list')])
    await opened()
    assert.equal(sessions.length, 1)
    assert.deepEqual(session().methods(), ['initialize', 'tools/list', 'prompts/list'])
  })

  it('is stopped where the server refuses it, and opened anew by the next request', async () => {
    const refused = await send('tools/list')
    await answer('initialize', { error: { code: -32600, message: 'no' } })
    assert.deepEqual([refused.failures[0]?.code, session().stopped], ['upstream_invalid', 1])
    await send('tools/list')
    await opened()
    assert.deepEqual([sessions.length, session().methods().at(-1)], [2, 'tools/list'])
  })

  it('is followed by another one when it is over, which begins with nothing of it', async () => {
    await send('tools/call', { _meta: { [levelKey]: 'debug' } })
    await opened()
    const subscribed = await subscribe()
    closed[0]?.()
    assert.equal(subscribed.finished.length, 1, 'clients subscribe again')
    await send('tools/call', { _meta: { [levelKey]: 'error' } })
    await opened()
    assert.deepEqual(session().methods(), ['initialize', 'logging/setLevel', 'tools/call'])
    assert.ok(session().heard !== undefined)
    const again = await subscribe()
    closed[0]?.()
    assert.equal(again.finished.length, 0, 'what is said of the first says nothing of the second')
  })

  it('is stopped once what the server had received before it forgot it is answered', async () => {
    const [slow, lost] = await Promise.all([send('tools/call'), send('tools/list')])
    await opened()
    const [first] = sessions as [FakeConversation]
    first.busy = true
    first.take('tools/list').sink.fail(new Refusal('session_unknown'))
    await turn()
    await opened()
    assert.deepEqual([sessions.length, first.stopped], [2, 0])
    await answer('tools/list', { result: { tools: [] } })
    assert.equal(lost.finished.length, 1)
    first.busy = false
    await answer('tools/call', { result: {} }, first)
    assert.deepEqual([slow.finished.length, first.stopped, session().stopped], [1, 1, 0])
  })

  it('is told of a client that leaves, also when the server has forgotten it (A37)', async () => {
    const [slow] = await Promise.all([send('tools/call'), send('tools/list')])
    await opened()
    const [first] = sessions as [FakeConversation]
    first.busy = true
    first.take('tools/list').sink.fail(new Refusal('session_unknown'))
    await turn()
    await opened()
    first.busy = false
    face.cancel(slow, ada)
    assert.deepEqual([first.cancelled, first.stopped], [[first.take('tools/call').sink], 1])
    assert.deepEqual([session().cancelled, session().stopped], [[], 0])
  })

  it('is not kept by a request that could not be sent', async () => {
    await send('server/discover')
    await opened()
    session().request = () => {
      throw new Refusal('upstream_interrupted')
    }
    const sink = await send('tools/call')
    assert.deepEqual([sink.failures.length, face.busy], [1, false])
  })

  it('is lost twice for no request', async () => {
    const sink = await send('tools/list')
    for (let time = 0; time < 2; time++) {
      await opened()
      session().take('tools/list').sink.fail(new Refusal('session_unknown'))
      await turn()
    }
    assert.deepEqual(sink.failures, [{ code: 'upstream_interrupted', id: 'mine' }])
    assert.equal(sessions.length, 2)
  })

  it('is busy with requests and subscriptions, and stops with the face', async () => {
    const sink = await send('tools/call')
    await opened()
    assert.equal(face.busy, true)
    face.cancel(sink, ada)
    assert.deepEqual([face.busy, session().cancelled.length], [false, 1])
    const subscribed = await subscribe()
    assert.equal(face.busy, true)
    face.cancel(subscribed, ada)
    assert.deepEqual([face.busy, session().cancelled.length], [false, 1])
    const last = await subscribe()
    await face.stop()
    assert.deepEqual([last.finished.length, session().stopped], [1, 1])
  })
})

describe('what a legacy server says unasked', () => {
  it('is heard on one stream, and ends the subscriptions with it', async () => {
    const subscribed = await subscribe()
    await opened()
    const first = session().heard
    await send('tools/list')
    assert.equal(session().heard, first)
    first?.push(changed)
    assert.equal(subscribed.pushed.length, 2, 'after the acknowledgement')
    first?.end(200)
    assert.equal(subscribed.finished.length, 1)
    const again = await subscribe()
    assert.notEqual(session().heard, first)
    session().heard?.push(changed)
    assert.equal(again.pushed.length, 2)
  })

  it('in a session that is over concerns nobody in the next one', async () => {
    await subscribe()
    await opened()
    closed[0]?.()
    const subscribed = await subscribe()
    await opened()
    sessions[0]?.heard?.push(changed)
    sessions[0]?.heard?.end(200)
    assert.deepEqual([subscribed.pushed.length, subscribed.finished.length], [1, 0])
  })

  it('is answered where it is a question, by the gateway alone', async () => {
    const sink = await send('tools/call')
    await opened()
    const { sink: inner } = session().take('tools/call')
    inner.push(callOf('ping', {}, 1))
    inner.push(callOf('roots/list', {}, 2))
    assert.deepEqual(sink.pushed, [])
    const [, pong, refused] = session().told
    assert.deepEqual(pong, { jsonrpc: '2.0', id: 1, result: {} })
    assert.equal(asObject(refused?.['error'])?.['code'], -32601)
    session().tell = () => {
      throw new Refusal('upstream_interrupted')
    }
    inner.push(callOf('ping', {}, 3))
    session().tell = () => {
      throw new TypeError('a fault of the gateway')
    }
    assert.throws(() => inner.push(callOf('ping', {}, 4)), TypeError)
  })
})

describe('a ping of a legacy server', () => {
  it('is answered also while the gateway itself asks it, such as for a session', async () => {
    await send('tools/list')
    const { sink } = session().take('initialize')
    sink.push(callOf('notifications/message', { level: 'info' }))
    sink.push(callOf('ping', {}, 'early'))
    assert.deepEqual(session().told, [{ jsonrpc: '2.0', id: 'early', result: {} }])
  })
})

describe('the log of a legacy server (O16)', () => {
  const log = (level: unknown): Json => callOf('notifications/message', { level, data: 'x' })

  it('is as verbose as the most curious request, and each gets what it asked for', async () => {
    const curious = await send('tools/call', { _meta: { [levelKey]: 'info' } })
    await opened()
    const { sink: inner } = session().take('tools/call')
    for (const level of ['debug', 'info', 'error', 'made-up']) inner.push(log(level))
    assert.deepEqual(
      curious.pushed.map(({ params }) => (params as Json)['level']),
      ['info', 'error'],
    )
    await send('prompts/get', { _meta: { [levelKey]: 'error' } })
    await send('tools/list', { _meta: { [levelKey]: 'debug' } })
    const levels = session().reached.filter(({ message }) => message['method'] === 'logging/setLevel')
    assert.deepEqual(
      levels.map(({ message }) => message['params']),
      [{ level: 'info' }, { level: 'debug' }],
    )
  })

  it('goes to the last request that asks for it where the server does not say what it belongs to', async () => {
    const first = await send('tools/call', { _meta: { [levelKey]: 'debug' } })
    await opened()
    const second = await send('prompts/get', { _meta: { [levelKey]: 'error' } })
    const silent = await send('tools/list')
    for (const level of ['info', 'error', 'made-up']) session().heard?.push(log(level))
    session().answer('prompts/get', { result: {} })
    session().heard?.push(log('critical'))
    session().answer('tools/call', { result: {} })
    session().heard?.push(log('alert'))
    assert.deepEqual(
      [first, second, silent].map(({ pushed }) => pushed.map(({ params }) => (params as Json)['level'])),
      [['info', 'critical'], ['error'], []],
    )
  })

  it('is not asked for where it has none, or at a level that does not exist', async () => {
    await send('tools/call', { _meta: { [levelKey]: 'debug' } })
    await opened({})
    assert.deepEqual(session().methods(), ['initialize', 'tools/call'])
    closed[0]?.()
    const indifferent = await send('tools/call', { _meta: { [levelKey]: 'made-up' } })
    await opened()
    session().take('tools/call').sink.push(log('error'))
    assert.deepEqual([session().methods(), indifferent.pushed], [['initialize', 'tools/call'], []])
  })
})

describe('a request of a modern client to a legacy server', () => {
  it('is not sent for a client that has left while the session was being opened', async () => {
    const sink = await send('tools/call')
    sink.closed = true
    await opened()
    assert.deepEqual(session().methods(), ['initialize'])
  })

  it('is refused where its era knows what the other does not, in the request or in the answer', async () => {
    const refused = async (sink: RecordingSink): Promise<void> =>
      assert.deepEqual(asObject(sink.finished[0]?.['error'])?.['data'], { code: 'era_unbridgeable' })
    await refused(await send('tasks/get', { taskId: '1' }))
    await refused(await send('tools/call', { task: {} }))
    await refused(await send('tools/call', { inputResponses: {} }))
    await refused(await send('tools/call', { requestState: 'x' }))
    assert.equal(sessions.length, 0)
    const sink = await send('tools/call')
    await opened()
    await answer('tools/call', { result: { task: { taskId: '1' } } })
    await refused(sink)
  })
})
