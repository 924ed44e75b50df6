import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Dispatcher } from 'undici'
import type { Channel } from '../../src/upstream/conversation/channel.ts'
import { callOf, type Json } from '../../src/upstream/conversation/json-rpc.ts'
import { sseChannel } from '../../src/upstream/sse/channel.ts'

/** One message that the server received, and how it is answered. */
interface Posted {
  readonly path: string
  readonly headers: readonly string[]
  readonly message: Json
  readonly signal: AbortSignal
  answer(status: number, headers?: Record<string, string>): Promise<void>
}

interface Opened {
  readonly channel: Channel
  /** How the server answers the request for the stream, and what it says there. */
  readonly stream: {
    path: string
    headers: readonly string[]
    readonly body: PassThrough
    answer(status: number, headers: Record<string, string>): Promise<void>
    say(...events: string[]): Promise<void>
  }
  readonly posted: Posted[]
  /** How many answers to posts were read. */
  read: number
  readonly messages: Json[]
  readonly failures: [number, string][]
  readonly closed: string[]
}

const settle = async (): Promise<void> => {
  for (let count = 0; count < 10; count++) await turn()
}

/** A channel to a server that is played by a test. */
function open(test: TestContext): Opened {
  test.mock.timers.enable({ apis: ['setTimeout'] })
  const posted: Posted[] = []
  const body = new PassThrough()
  const stream: Opened['stream'] = {
    path: '',
    headers: [],
    body,
    answer: async () => undefined,
    async say(...events) {
      for (const event of events) body.write(`${event}\n\n`)
      await settle()
    },
  }
  const dispatcher = {
    request: ({ path, method, headers, body: sent, signal }: Dispatcher.RequestOptions) =>
      new Promise((resolve, reject) => {
        const given = signal as AbortSignal
        given.addEventListener('abort', () => reject(given.reason as Error))
        if (method === 'GET') {
          Object.assign(stream, { path, headers })
          given.addEventListener('abort', () => body.destroy())
          stream.answer = (statusCode, its) => {
            resolve({ statusCode, headers: its, body })
            return settle()
          }
          return
        }
        const message = JSON.parse(sent as string) as Json
        posted.push({
          path,
          headers: headers as string[],
          message,
          signal: given,
          answer(statusCode, its = {}) {
            resolve({ statusCode, headers: its, body: { dump: async () => void opened.read++ } })
            return settle()
          },
        })
      }),
  } as unknown as Dispatcher
  const opened: Omit<Opened, 'channel'> = {
    stream,
    posted,
    read: 0,
    messages: [],
    failures: [],
    closed: [],
  }
  const channel = sseChannel({ dispatcher, url: 'http://server/sse?a=1', responseSeconds: 2 })(
    {
      onMessage: (message) => opened.messages.push(message),
      onFailure: (id, { code }) => opened.failures.push([id, code]),
      onUnheard: () => assert.fail('all comes on the one stream'),
      onClosed: ({ code }) => opened.closed.push(code),
    },
    ['Authorization', 'Bearer first'],
  )
  return Object.assign(opened, { channel })
}

/** The same, once the server has named its endpoint. */
async function begun(test: TestContext): Promise<Opened> {
  const opened = open(test)
  await opened.stream.answer(200, eventStream)
  await opened.stream.say('event: endpoint\ndata: /post?n=1')
  return opened
}

const eventStream = { 'content-type': 'text/event-stream' }
const own = ['Authorization', 'Bearer own']

function send({ channel }: Opened, method: string, id?: number): void {
  channel.send(callOf(method, {}, id), { headers: own, id })
}

describe('a channel to a server of HTTP+SSE', () => {
  it('sends what waited for the endpoint, once and in order, each with its own credential (A10)', async (test) => {
    const opened = open(test)
    assert.equal(opened.stream.path, '/sse?a=1')
    assert.deepEqual(opened.stream.headers, ['Authorization', 'Bearer first', 'Accept', 'text/event-stream'])
    for (const id of [1, 2]) send(opened, 'tools/list', id)
    await opened.stream.answer(200, eventStream)
    await opened.stream.say('event: ping\ndata: /now')
    assert.deepEqual(opened.posted, [])
    await opened.stream.say('event: endpoint\ndata: /post?n=1', 'event: endpoint\ndata: /elsewhere')
    send(opened, 'tools/list', 3)
    assert.deepEqual(
      opened.posted.map(({ path, headers, message }) => [path, headers, message['id']]),
      [1, 2, 3].map((id) => ['/post?n=1', [...own, 'Content-Type', 'application/json'], id]),
    )
  })

  it('holds no more than 256 messages for a server that names no endpoint, which it leaves in time (A36, A71)', async (test) => {
    const opened = open(test)
    for (let id = 1; id <= 256; id++) send(opened, 'tools/list', id)
    assert.throws(() => send(opened, 'tools/list', 257), { code: 'upstream_timeout' })
    await opened.stream.answer(200, eventStream)
    test.mock.timers.tick(1999)
    assert.deepEqual(opened.closed, [])
    test.mock.timers.tick(1)
    await settle()
    assert.deepEqual(opened.closed, ['upstream_timeout'])
    assert.equal(opened.stream.body.destroyed, true)
    assert.throws(() => send(opened, 'tools/list', 258), { code: 'session_unknown' })
    assert.deepEqual(opened.posted, [])
  })

  it('has all the time in the world once the endpoint is known', async (test) => {
    const opened = await begun(test)
    test.mock.timers.tick(3_600_000)
    assert.deepEqual(opened.closed, [])
  })

  it('hears messages, in batches too, and no event of another kind', async (test) => {
    const opened = await begun(test)
    await opened.stream.say(
      'data: {"method":"a"}',
      'event: message\ndata: [{"method":"b"},{"method":"c"}]',
      'event: ping\ndata: now',
      'data:',
      'id: 5',
    )
    assert.deepEqual(
      opened.messages.map(({ method }) => method),
      ['a', 'b', 'c'],
    )
    assert.deepEqual(opened.closed, [])
  })

  it('sends no request before the server has answered its initialized, and everything else at once', async (test) => {
    const opened = await begun(test)
    send(opened, 'notifications/initialized')
    send(opened, 'tools/call', 2)
    opened.channel.send({ jsonrpc: '2.0', id: 'ping', result: {} }, { headers: own, id: undefined })
    await settle()
    const sent = (): unknown[] => opened.posted.map(({ message: { id, method } }) => id ?? method)
    assert.deepEqual(sent(), ['notifications/initialized', 'ping'])
    await opened.posted[0]?.answer(202)
    assert.deepEqual(sent(), ['notifications/initialized', 'ping', 2])
    send(opened, 'tools/call', 3)
    assert.deepEqual(sent().at(-1), 3)
  })

  it('never sends a request that was given up before the server has answered its initialized', async (test) => {
    const opened = await begun(test)
    send(opened, 'notifications/initialized')
    for (const id of [2, 3]) send(opened, 'tools/call', id)
    const giveUp = (id: number): void =>
      opened.channel.abandon(id, callOf('notifications/cancelled', { requestId: id }), own)
    giveUp(2)
    await opened.posted[0]?.answer(202)
    giveUp(3)
    const methods = opened.posted.map(({ message: { method } }) => method)
    assert.deepEqual(methods, ['notifications/initialized', 'tools/call', 'notifications/cancelled'])
    assert.equal(opened.posted[1]?.message['id'], 3)
  })

  it('says why a post did not count, and only of requests', async (test) => {
    const opened = await begun(test)
    const answers = [202, 204, 302, 401, 404, 413, 500]
    for (const [id, status] of answers.entries()) {
      send(opened, 'tools/list', id)
      await opened.posted.at(-1)?.answer(status)
      send(opened, 'notifications/initialized')
      await opened.posted.at(-1)?.answer(status)
    }
    send(opened, 'tools/list', 7)
    await opened.posted.at(-1)?.answer(429)
    assert.deepEqual(opened.failures, [
      [2, 'upstream_invalid'],
      [3, 'upstream_refused'],
      [4, 'session_unknown'],
      [5, 'upstream_invalid'],
      [6, 'upstream_invalid'],
      [7, 'upstream_busy'],
    ])
    assert.equal(opened.read, opened.posted.length, 'each connection is free again')
    opened.channel.abandon(1, callOf('notifications/cancelled', { requestId: 1 }), own)
    await opened.posted.at(-1)?.answer(500)
    assert.equal(opened.failures.length, 6)
  })
})

describe('a channel to a server of HTTP+SSE that is over', () => {
  it('was closed once, with all that was on its way', async (test) => {
    const opened = await begun(test)
    send(opened, 'tools/list', 1)
    await opened.channel.close()
    await opened.channel.close()
    await settle()
    assert.deepEqual(opened.closed, ['gateway_interrupted'])
    assert.equal(opened.posted[0]?.signal.aborted, true)
    assert.equal(opened.stream.body.destroyed, true)
    assert.deepEqual(opened.failures, [], 'who closed it knows')
    assert.throws(() => send(opened, 'tools/list', 2), { code: 'session_unknown' })
  })

  it('is so when the server ends its stream', async (test) => {
    const opened = await begun(test)
    opened.stream.body.end()
    await settle()
    assert.deepEqual(opened.closed, ['upstream_interrupted'])
  })

  for (const [status, type, code] of [
    [200, 'text/html', 'upstream_invalid'],
    [202, 'text/event-stream', 'upstream_invalid'],
    [401, 'text/event-stream', 'upstream_refused'],
    [404, 'text/plain', 'upstream_invalid'],
  ] as const) {
    it(`is so when the server has no such stream: ${status} ${type}`, async (test) => {
      const opened = open(test)
      await opened.stream.answer(status, { 'content-type': type })
      assert.deepEqual(opened.closed, [code])
      assert.equal(opened.stream.body.destroyed, true)
    })
  }
})
