import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { beforeEach, describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Refusal } from '../../src/core/errors.ts'
import type { Connector, UpstreamReply, UpstreamRequest } from '../../src/upstream/contract.ts'
import { sessionConnector, sharingConnector } from '../../src/upstream/conversation/connector.ts'
import type { Conversation } from '../../src/upstream/conversation/contract.ts'
import { createRegistry, type Registry } from '../../src/upstream/conversation/registry.ts'
import type { Sink } from '../../src/upstream/conversation/sink.ts'
import type { LostSessions } from '../../src/upstream/renewal/lost-sessions.ts'
import { beginAnew } from '../support/begin-anew.ts'
import { type FakeConversation, fakeConversation } from '../support/fake-conversation.ts'

/** As much of an HTTP answer as a connector needs. */
class FakeAnswer extends EventEmitter {
  status: number | undefined
  text = ''
  closed = false
  writableEnded = false
  writableFinished = false
  readonly writableLength = 0
  writeHead(status: number): this {
    this.status = status
    return this
  }
  flushHeaders(): void {}
  write(text: string): void {
    this.text += text
  }
  end(text = ''): this {
    this.text += text
    this.writableEnded = true
    this.writableFinished = true
    return this.leave()
  }
  leave(): this {
    this.closed = true
    this.emit('close')
    return this
  }
}

let conversations: FakeConversation[]
let left: number
let registry: Registry<Conversation>
beforeEach(() => {
  conversations = []
  left = 0
  registry = createRegistry<Conversation>({ total: 9, perOwner: 9, idleSeconds: 60 })
})

const start = (): Conversation => {
  conversations.push(fakeConversation())
  return conversations.at(-1) as FakeConversation
}
const sessions = (lost: Partial<LostSessions> = {}): Connector =>
  sessionConnector({ registry, start, lost: { ...beginAnew, ...lost } })

const request = (message: object, more: Partial<UpstreamRequest> = {}): UpstreamRequest => ({
  method: 'POST',
  headers: [],
  body: Buffer.from(JSON.stringify(message)),
  era: 'legacy',
  id: 'id' in message ? (message.id as string) : undefined,
  opensSession: false,
  cancels: false,
  principal: 'ada',
  session: 'session',
  renewal: undefined,
  ...more,
})
const call = (id: string): object => ({ jsonrpc: '2.0', id, method: 'tools/call' })
const initialize = request({ jsonrpc: '2.0', id: 'i', method: 'initialize' }, { opensSession: true })

function send(
  connector: Connector,
  asked: UpstreamRequest,
  res = new FakeAnswer(),
): { res: FakeAnswer; done: Promise<unknown> } {
  const reply: UpstreamReply = {
    res: res as unknown as ServerResponse,
    accept: (status) => ({ status, headers: [] }),
    onLeft: () => left++,
  }
  const done = connector.send(asked, reply).catch((error: unknown) => error)
  return { res, done }
}

describe('a session that this process does not know', () => {
  it('goes on in one conversation, for all who ask for it at once', async () => {
    const restored = Promise.withResolvers<void>()
    const connector = sessions({ restore: () => restored.promise })
    for (const id of ['a', 'b']) {
      send(connector, request(call(id)))
      await turn()
      assert.deepEqual(conversations[0]?.methods(), [], 'it is being restored')
    }
    restored.resolve()
    await turn()
    const [first, ...more] = conversations
    assert.deepEqual([first?.methods(), more], [['tools/call', 'tools/call'], []])
  })

  it('leaves no conversation behind where it cannot go on, and may be tried again', async () => {
    let refuses = true
    const connector = sessions({
      async restore() {
        if (refuses) throw new Refusal('session_unknown')
      },
    })
    const { done } = send(connector, request(call('a')))
    assert.ok((await done) instanceof Refusal)
    assert.deepEqual([conversations[0]?.stopped, registry.find('session')], [1, undefined])
    refuses = false
    send(connector, request(call('b')))
    await turn()
    assert.deepEqual(conversations[1]?.methods(), ['tools/call'])
  })

  it('is begun by no request that must not begin one', async () => {
    const { done } = send(sessions({ mayBegin: () => false }), request(call('a')))
    assert.equal(((await done) as Refusal).code, 'session_unknown')
    const { done: other } = send(sessions({ mayGoOn: async () => false }), request(call('a')))
    assert.equal(((await other) as Refusal).code, 'session_unknown')
    assert.deepEqual(conversations, [])
  })

  it('is not begun again once its client has ended it', async () => {
    const connector = sessions()
    send(connector, request(call('a')))
    await turn()
    const { res } = send(connector, request({}, { method: 'DELETE', body: undefined }))
    await turn()
    assert.deepEqual([res.status, conversations[0]?.stopped], [200, 1])
    const { done } = send(connector, request(call('b')))
    assert.equal(((await done) as Refusal).code, 'session_unknown')
  })
})

describe('a session that the server does not open', () => {
  it('is over at once, and others are not', async () => {
    for (const [stopped, answer] of [
      [1, (of: FakeConversation) => of.answer('initialize', { error: { code: -32600, message: 'no' } })],
      [1, (of: FakeConversation) => of.take('initialize').sink.fail(new Refusal('upstream_timeout'))],
      [0, (of: FakeConversation) => of.answer('initialize', { result: {} })],
    ] as const) {
      const { done } = send(sessions(), initialize)
      await turn()
      const conversation = conversations.at(-1) as FakeConversation
      answer(conversation)
      await done
      assert.equal(conversation.stopped, stopped)
    }
  })
})

describe('a batch', () => {
  it('is answered as a whole, when everything in it is', async () => {
    const notification = { jsonrpc: '2.0', method: 'notifications/initialized' }
    const { res } = send(sessions(), request([call('a'), notification, call('b')]))
    await turn()
    const [conversation] = conversations as [FakeConversation]
    assert.equal(conversation.told.length, 1)
    const [first, second] = conversation.reached
    first?.sink.finish({ id: 'a', result: {} })
    first?.sink.end(200)
    assert.equal(res.status, undefined)
    second?.sink.fail(new Refusal('upstream_timeout'), 'b')
    const answers = JSON.parse(res.text) as { id: string; error?: { code: number } }[]
    assert.deepEqual(
      answers.map(({ id, error }) => [id, error?.code]),
      [
        ['a', undefined],
        ['b', 504],
      ],
    )
  })

  it('of which all fails, fails as a single request does', async () => {
    const { res, done } = send(sessions(), request([call('a'), call('b')]))
    await turn()
    const [first, second] = conversations[0]!.reached
    first?.sink.fail(new Refusal('session_unknown'), 'a')
    second?.sink.fail(new Refusal('upstream_timeout'), 'b')
    assert.deepEqual([((await done) as Refusal).code, res.status], ['session_unknown', undefined])
  })

  it('of which something was heard has an answer to each request', async () => {
    const heard: ((sink: Sink) => void)[] = [
      (sink) => sink.push({ method: 'notifications/progress' }),
      (sink) => sink.open(),
      (sink) => sink.finish({ id: 'c', result: {} }),
      (sink) => sink.end(200),
    ]
    for (const hear of heard) {
      const { res } = send(sessions(), request([call('a'), call('b'), call('c')]))
      await turn()
      const [first, second, third] = conversations.at(-1)!.reached
      first?.sink.fail(new Refusal('upstream_refused'), 'a')
      hear(third!.sink)
      second?.sink.fail(new Refusal('upstream_refused'), 'b')
      third?.sink.fail(new Refusal('upstream_refused'), 'c')
      assert.match(res.text, /"id":"a","error".*"id":"b","error"/, String(hear))
      await registry.stop('session')
    }
  })

  it('of which nothing is answered ends all the same, and one without requests is accepted', async () => {
    const cancelled = send(sessions(), request([call('a')]))
    await turn()
    conversations[0]?.take('tools/call').sink.end(200)
    assert.deepEqual([cancelled.res.status, cancelled.res.text], [200, ''])
    const notifications = send(sessions(), request([{ jsonrpc: '2.0', method: 'x' }]))
    await turn()
    assert.equal(notifications.res.status, 202)
  })
})

describe('a client that has gone while its conversation was begun', () => {
  it('is not listened for, and what it asked is asked only in the legacy era (O14)', async () => {
    const gone = (): FakeAnswer => new FakeAnswer().leave()
    send(sessions(), request({}, { method: 'GET', body: undefined }), gone())
    await turn()
    const modern = sharingConnector({ registry, start, keyOf: (principal) => principal })
    send(modern, request(call('a'), { era: 'modern', session: undefined }), gone())
    await turn()
    assert.deepEqual(
      conversations.map((one) => [one.heard, one.methods()]),
      [
        [undefined, []],
        [undefined, []],
      ],
    )
    send(sessions(), request(call('a')), gone())
    await turn()
    assert.deepEqual([conversations[0]?.methods(), left], [['tools/call'], 1])
  })

  it('has not gone if it has its whole answer, and cancels by going only in the modern era (O14)', async () => {
    const { res } = send(sessions(), request(call('a')))
    await turn()
    conversations[0]?.answer('tools/call', { result: {} })
    assert.deepEqual([res.status, left], [200, 0])
    const other = send(sessions(), request(call('b')))
    const stream = send(sessions(), request({}, { method: 'GET', body: undefined }))
    await turn()
    assert.ok(conversations[0]?.heard !== undefined)
    other.res.leave()
    stream.res.leave()
    assert.equal(conversations[0].heard, undefined)
    assert.deepEqual([left, conversations[0]?.cancelled], [1, []])
  })
})
