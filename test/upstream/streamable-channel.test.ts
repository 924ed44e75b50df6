import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { callOf } from '../../src/upstream/conversation/json-rpc.ts'
import {
  event,
  initialized,
  json,
  open,
  own,
  type Received,
  resultOf,
  send,
  settle,
  stopTimers,
  stream,
} from '../support/streamable-server.ts'

describe('a channel to a Streamable HTTP server', () => {
  it('has the session that was opened, whatever other answers say', async () => {
    const opened = await initialized()
    send(opened, 'tools/list', 2)
    const answer = { jsonrpc: '2.0', id: 2, result: { protocolVersion: '2' } }
    await opened.received[1]?.answer(200, { ...json, 'mcp-session-id': 'second' }, JSON.stringify(answer))
    send(opened, 'tools/list', 3)
    const { path, headers } = opened.received[2] as Received
    assert.deepEqual(
      [path, headers['authorization'], headers['mcp-session-id'], headers['mcp-protocol-version']],
      ['/mcp?a=1', 'Bearer own', 'first', '2025-11-25'],
    )
    assert.deepEqual(opened.failures, [])
  })

  it('repeats no revision that is none', async () => {
    const opened = await initialized(2025)
    send(opened, 'tools/list', 2)
    assert.equal(opened.received[1]?.headers['mcp-protocol-version'], undefined)
  })

  it('waits for no answer to what is no request', async () => {
    const opened = open('legacy')
    for (const status of [202, 500, 401]) {
      send(opened, 'notifications/initialized')
      await opened.received.at(-1)?.answer(status)
    }
    send(opened, 'notifications/initialized')
    await opened.received.at(-1)?.answer(200, json, '{"jsonrpc":"2.0","method":"x"}')
    assert.deepEqual([opened.failures, opened.messages, opened.dumped], [[], [], 4])
  })

  it('sends no request before the server has answered its initialized, and everything else at once', async () => {
    for (const answer of ['accepts', 'refuses', 'breaks'] as const) {
      const opened = await initialized()
      send(opened, 'notifications/initialized')
      send(opened, 'tools/call', 2)
      opened.channel.send({ jsonrpc: '2.0', id: 'ping', result: {} }, { headers: own, id: undefined })
      await settle()
      assert.equal(opened.received.length, 3, 'the answer to a ping does not wait')
      if (answer === 'breaks') await opened.received[1]?.fail()
      else await opened.received[1]?.answer(answer === 'accepts' ? 202 : 500)
      assert.equal(opened.received.length, 4)
      send(opened, 'tools/call', 3)
      assert.equal(opened.received.length, 5)
    }
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
      [2, '{"jsonrpc":"2.0","error":{"code":-32600,"message":"no"}}'],
      [3, '{"jsonrpc":"2.0","id":null,"result":{}}'],
    ] as const) {
      send(opened, 'tools/call', id)
      await opened.received[id - 1]?.answer(400, json, text)
    }
    assert.deepEqual(
      opened.messages.map(({ id }) => id),
      [1, 2, null],
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
    assert.deepEqual([opened.dumped, other.dumped], [1, 1])
  })

  it('is told that its session is lost with a 400 about no request as well, and with no other', async () => {
    const about = (id: unknown, message: string): string =>
      JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32000, message } })
    for (const [status, said, failure] of [
      [400, about(null, 'Bad Request: Server not initialized'), 'session_unknown'],
      [400, about(undefined, 'Bad Request: No valid session ID provided'), 'session_unknown'],
      [400, about(2, 'no session of that name'), undefined],
      [400, about(null, 'Bad Request: Invalid JSON'), undefined],
      [200, about(null, 'no session of that name'), undefined],
    ] as const) {
      const opened = await initialized()
      send(opened, 'tools/list', 2)
      await opened.received[1]?.answer(status, json, said)
      assert.deepEqual(opened.failures, failure === undefined ? [] : [failure], said)
    }
    const opened = open('legacy')
    send(opened, 'initialize', 1)
    await opened.received[0]?.answer(400, json, about(null, 'no session left'))
    assert.deepEqual(opened.failures, [], 'there was none')
  })

  it('is told so by a 400 with a short text, too, as the SDK for Python says it', async () => {
    const said = 'Bad Request: No valid session ID provided'
    for (const [headers, text, failure] of [
      [{}, said, 'session_unknown'],
      [{ 'content-type': 'text/plain; charset=utf-8' }, said, 'session_unknown'],
      [{}, 'Bad Request: Invalid JSON', 'upstream_invalid'],
      [{ 'content-type': 'text/html' }, said, 'upstream_invalid'],
      [{}, said + ' '.repeat(2000), 'upstream_invalid'],
    ] as const) {
      const opened = await initialized()
      send(opened, 'tools/list', 2)
      await opened.received[1]?.answer(400, headers, text)
      assert.deepEqual(opened.failures, [failure], JSON.stringify([headers, text.trim()]))
    }
    const opened = open('legacy')
    send(opened, 'initialize', 1)
    await opened.received[0]?.answer(400, {}, said)
    assert.deepEqual(opened.failures, ['upstream_invalid'], 'there was none')
  })

  it('takes no answer that sends the gate elsewhere, does not accept it, or has no time for it (A70)', async () => {
    const opened = open('legacy')
    for (const [id, status] of [302, 403, 429].entries()) {
      send(opened, 'tools/list', id)
      await opened.received[id]?.answer(status, json, resultOf(id))
    }
    assert.deepEqual(opened.failures, ['upstream_invalid', 'upstream_refused', 'upstream_busy'])
    assert.deepEqual([opened.messages, opened.dumped], [[], 3])
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

describe('an answer whose stream a Streamable HTTP server ends early', () => {
  it('is gone on with where it ended, after the pause that the server asks for', async (test) => {
    const pass = stopTimers(test)
    const opened = await initialized()
    send(opened, 'tools/call', 2)
    await opened.received[1]?.answer(200, stream, 'id: 5\nretry: 2000\ndata:\n\n')
    await pass(1999)
    assert.equal(opened.received.length, 2)
    await pass(1)
    const { method, path, headers } = opened.received[2] as Received
    assert.deepEqual([method, path], ['GET', '/mcp?a=1'])
    assert.deepEqual(headers, {
      accept: 'text/event-stream',
      authorization: 'Bearer own',
      'last-event-id': '5',
      'mcp-protocol-version': '2025-11-25',
      'mcp-session-id': 'first',
    })
    await opened.received[2]?.answer(200, stream, event(resultOf(2)))
    await pass(2000)
    assert.deepEqual([opened.messages.at(-1)?.['id'], opened.failures, opened.received.length], [2, [], 3])
  })

  it('is given up after a hundred times, and when nobody waits for it (A71)', async (test) => {
    const pass = stopTimers(test)
    const opened = await initialized()
    send(opened, 'tools/call', 2)
    for (let time = 1; time <= 101; time++) {
      await opened.received[time]?.answer(200, stream, `id: ${time}\ndata:\n\n`)
      await pass(1000)
    }
    assert.deepEqual([opened.failures, opened.received.length], [['upstream_interrupted'], 102])
    send(opened, 'tools/call', 3)
    await opened.received[102]?.answer(200, stream, 'id: 1\ndata:\n\n')
    opened.channel.abandon(3, callOf('notifications/cancelled', { requestId: 3 }), [])
    await pass(1000)
    assert.deepEqual([opened.failures.length, opened.received.length], [1, 104], 'the cancellation came last')
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
    assert.equal(goodbye?.headers['authorization'], 'Bearer own')
    assert.equal(opened.received[0]?.signal.aborted, false, 'it had ended')
    await goodbye?.answer(200)
    await Promise.all([first, second])
    assert.deepEqual([opened.closed, opened.failures], [['gateway_interrupted'], []])
    assert.throws(() => send(opened, 'tools/list', 3), { code: 'session_unknown' })
  })

  it('does not mind that its session cannot be ended, and waits for that no longer than two seconds', async (test) => {
    const patience = new AbortController()
    const limit = test.mock.method(AbortSignal, 'timeout', () => patience.signal)
    for (const end of [(goodbye?: Received) => goodbye?.fail(), () => patience.abort()]) {
      const opened = await initialized()
      const closed = opened.channel.close()
      await end(opened.received[1])
      await closed
      assert.deepEqual(limit.mock.calls.at(-1)?.arguments, [2000])
    }
  })

  it('has no session to end where none was opened', async () => {
    const opened = open('legacy')
    await opened.channel.close()
    assert.deepEqual([opened.received, opened.closed], [[], ['gateway_interrupted']])
  })
})
