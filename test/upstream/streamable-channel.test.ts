import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Dispatcher } from 'undici'
import type { Channel } from '../../src/upstream/conversation/channel.ts'
import { callOf, type Json } from '../../src/upstream/conversation/json-rpc.ts'
import { streamableChannel } from '../../src/upstream/streamable/channel.ts'

/** One request that the server received, and how it is answered. */
interface Received {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  answer(status: number, headers?: Record<string, string>, ...chunks: string[]): Promise<void>
}

interface Opened {
  readonly channel: Channel
  readonly received: Received[]
  readonly messages: Json[]
  readonly failures: string[]
  unheard: number
  closed: number
}

/** A channel to a server that is played by a test. */
function open(era: 'legacy' | 'modern'): Opened {
  const received: Received[] = []
  const dispatcher = {
    request: (options: { method: string; headers: string[]; signal: AbortSignal }) =>
      new Promise((resolve, reject) => {
        const { method, headers: list, signal } = options
        signal.addEventListener('abort', () => reject(signal.reason as Error))
        const pairs = list.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), list[at + 1]]] : []))
        received.push({
          method,
          headers: Object.fromEntries(pairs) as Record<string, string>,
          signal,
          async answer(statusCode, headers = {}, ...chunks) {
            const body = Object.assign(
              (async function* () {
                for (const chunk of chunks) yield Buffer.from(chunk)
              })(),
              { dump: async () => {} },
            )
            resolve({ statusCode, headers, body })
            for (let count = 0; count < 10; count++) await turn()
          },
        })
      }),
  } as unknown as Dispatcher
  const opened: Omit<Opened, 'channel'> = { received, messages: [], failures: [], unheard: 0, closed: 0 }
  const channel = streamableChannel({ dispatcher, url: 'http://server/mcp', era })(
    {
      onMessage: (message) => opened.messages.push(message),
      onFailure: (_id, { code }) => opened.failures.push(code),
      onUnheard: () => opened.unheard++,
      onClosed: () => opened.closed++,
    },
    [],
  )
  return Object.assign(opened, { channel })
}

const json = { 'content-type': 'application/json' }
const stream = { 'content-type': 'text/event-stream' }
const resultOf = (id: number): string => JSON.stringify({ jsonrpc: '2.0', id, result: {} })
const event = (text: string): string => `data: ${text}\n\n`

function send({ channel }: Opened, method: string, id?: number): void {
  channel.send(callOf(method, {}, id), { headers: [], id })
}

/** A channel whose session was opened. */
async function initialized(): Promise<Opened> {
  const opened = open('legacy')
  send(opened, 'initialize', 1)
  await opened.received[0]?.answer(200, { ...json, 'mcp-session-id': 'first' }, resultOf(1))
  return opened
}

describe('a channel to a Streamable HTTP server', () => {
  it('has the session that was opened, whatever other answers say', async () => {
    const opened = await initialized()
    send(opened, 'tools/list', 2)
    await opened.received[1]?.answer(200, { ...json, 'mcp-session-id': 'second' }, resultOf(2))
    send(opened, 'tools/list', 3)
    assert.equal(opened.received[2]?.headers['mcp-session-id'], 'first')
    assert.deepEqual(opened.failures, [])
  })

  it('does not take a question of the server for the answer, though it has the same id', async () => {
    const opened = open('legacy')
    send(opened, 'tools/call', 1)
    const question = JSON.stringify(callOf('ping', {}, 1))
    await opened.received[0]?.answer(200, stream, event(question), event(resultOf(1)))
    assert.deepEqual(
      opened.messages.map(({ method }) => method),
      ['ping', undefined],
    )
    assert.deepEqual(opened.failures, [])
  })

  it('takes an error that names no request for the answer, and nothing else that names none', async () => {
    const opened = open('legacy')
    for (const [id, text] of [
      [1, '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}'],
      [2, '{"jsonrpc":"2.0","id":null,"result":{}}'],
    ] as const) {
      send(opened, 'tools/call', id)
      await opened.received[id - 1]?.answer(400, json, text)
    }
    assert.deepEqual(
      opened.messages.map(({ id }) => id),
      [1, null],
    )
    assert.deepEqual(opened.failures, ['upstream_interrupted'])
  })

  it('says that a session is lost only where there was one', async () => {
    const opened = open('legacy')
    send(opened, 'tools/list', 1)
    await opened.received[0]?.answer(404, { 'content-type': 'text/plain' })
    assert.deepEqual(opened.failures, ['upstream_invalid'])
    const other = await initialized()
    send(other, 'tools/list', 2)
    await other.received[1]?.answer(404, { 'content-type': 'text/plain' })
    assert.deepEqual(other.failures, ['session_unknown'])
  })

  it('comes back to no stream of the modern era (O15)', async () => {
    const opened = open('modern')
    send(opened, 'tools/call', 1)
    await opened.received[0]?.answer(200, stream, 'id: 5\nretry: 0\ndata:\n\n')
    assert.deepEqual([opened.failures, opened.received.length], [['upstream_interrupted'], 1])
  })

  it('tells the server of a request that was given up, and nobody else (O14)', async () => {
    for (const [era, methods] of [
      ['legacy', ['POST', 'POST']],
      ['modern', ['POST']],
    ] as const) {
      const opened = open(era)
      send(opened, 'tools/call', 1)
      opened.channel.abandon(1, callOf('notifications/cancelled', { requestId: 1 }), [])
      await turn()
      assert.deepEqual([opened.received[0]?.signal.aborted, opened.failures], [true, []], era)
      assert.deepEqual(
        opened.received.map(({ method }) => method),
        methods,
      )
    }
  })
})

describe('what a Streamable HTTP server says unasked', () => {
  it('is asked for once, and again after it was refused', async () => {
    const opened = open('legacy')
    for (let time = 0; time < 2; time++) opened.channel.hear([])
    assert.equal(opened.received.length, 1)
    await opened.received[0]?.answer(401)
    assert.equal(opened.unheard, 1)
    opened.channel.hear([])
    assert.equal(opened.received.length, 2)
  })

  it('is not asked for again where there is no such stream', async () => {
    const opened = open('legacy')
    opened.channel.hear([])
    await opened.received[0]?.answer(405)
    opened.channel.hear([])
    assert.deepEqual([opened.received.length, opened.unheard], [1, 0])
  })

  it('is asked for until nobody listens', () => {
    const opened = open('legacy')
    opened.channel.hear([])
    opened.channel.unhear()
    assert.equal(opened.received[0]?.signal.aborted, true)
    opened.channel.hear([])
    assert.equal(opened.received.length, 2)
  })

  it('is not asked for in the modern era, or when all is over', async () => {
    const modern = open('modern')
    modern.channel.hear([])
    const over = open('legacy')
    await over.channel.close()
    over.channel.hear([])
    assert.deepEqual([...modern.received, ...over.received], [])
  })
})

describe('a channel that is closed', () => {
  it('ends its session once, and everything that runs in it', async () => {
    const opened = await initialized()
    send(opened, 'tools/call', 2)
    opened.channel.hear([])
    const first = opened.channel.close()
    const second = opened.channel.close()
    const [, call, heard, goodbye, ...more] = opened.received
    assert.deepEqual([call?.signal.aborted, heard?.signal.aborted, more], [true, true, []])
    assert.deepEqual([goodbye?.method, goodbye?.headers['mcp-session-id']], ['DELETE', 'first'])
    await goodbye?.answer(200)
    await Promise.all([first, second])
    assert.equal(opened.closed, 1)
    assert.throws(() => send(opened, 'tools/list', 3), { code: 'session_unknown' })
  })

  it('has no session to end where none was opened', async () => {
    const opened = open('legacy')
    await opened.channel.close()
    assert.deepEqual([opened.received, opened.closed], [[], 1])
  })
})
