import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { Dispatcher } from 'undici'
import { systemClock as clock } from '../../src/core/clock.ts'
import { ConnectionPool } from '../../src/upstream/wire/pool.ts'
import { type RawServer, startRawServer } from '../support/raw-server.ts'
import { until } from '../support/until.ts'

let server: RawServer
let pool: ConnectionPool
const usual = { connectMilliseconds: 2000, headMilliseconds: 20_000, idleMilliseconds: 60_000, clock }
before(async () => {
  server = await startRawServer()
})
after(() => server.close())
beforeEach(() => {
  server.onData = () => {}
  server.received.length = 0
  pool = new ConnectionPool({ origin: server.origin, ...usual })
})

interface Answer {
  readonly status: number
  readonly headers: Dispatcher.ResponseData['headers']
  readonly text: string
}

async function ask(more: Partial<Dispatcher.RequestOptions> = {}): Promise<Answer> {
  const answer = await pool.request({ path: '/mcp', method: 'POST', body: Buffer.from('{}'), ...more })
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
}

/** Answers each request with these bytes, in pieces where there are several. */
function answerWith(...pieces: string[]): void {
  const send = async (socket: Socket): Promise<void> => {
    for (const piece of pieces) {
      socket.write(piece, 'latin1')
      await wait(1)
    }
  }
  server.onData = (socket) => void send(socket)
}

const hello = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello'
const connections = (): number => server.received.filter((text) => text !== undefined).length

describe('a request to a server', () => {
  it('is written as it was given, and the connection is used again', async () => {
    answerWith(hello)
    const headers = ['Content-Type', 'application/json', 'X-Name', 'caf\u00e9']
    assert.equal((await ask({ headers })).text, 'hello')
    assert.equal(
      server.received.at(-1),
      `POST /mcp HTTP/1.1\r\nhost: ${server.origin.host}\r\nconnection: keep-alive\r\n` +
        'Content-Type: application/json\r\nX-Name: caf\u00e9\r\ncontent-length: 2\r\n\r\n{}',
    )
    await ask({ method: 'GET', body: null })
    assert.match(server.received.at(-1) ?? '', /\{\}GET \/mcp HTTP\/1\.1\r\n(?!.*content-length)/s)
    assert.equal(connections(), 1)
  })

  it('takes a connection of its own while others run', async () => {
    server.onData = (socket, connection) => void setTimeout(() => socket.write(hello), 30 - connection)
    await Promise.all([ask(), ask(), ask()])
    assert.equal(connections(), 3)
  })

  it('cannot hold another request: nothing of it leaves (A35)', async () => {
    for (const wrong of [
      { headers: ['X-Name', 'a\r\nX-Other: b'] },
      { headers: ['X-Name', 'a\0'] },
      { headers: ['X-Name', '\u0100'] },
      { headers: ['X Name', 'a'] },
      { headers: ['X-Name:', 'a'] },
      { path: '/mcp HTTP/1.1\r\nx: y' },
      { path: 'mcp' },
    ]) {
      await assert.rejects(ask(wrong), { name: 'InvalidArgumentError' }, JSON.stringify(wrong))
    }
    assert.deepEqual(server.received.filter(Boolean), [])
  })

  it('does not time out for want of an answer that came while the process stood still', async (test) => {
    const answered = new Int32Array(new SharedArrayBuffer(4))
    const program = new URL('../fixtures/waking-server.ts', import.meta.url)
    const elsewhere = new Worker(program, { workerData: answered })
    test.after(() => elsewhere.terminate())
    const origin = new URL(`http://127.0.0.1:${String((await once(elsewhere, 'message'))[0])}`)
    pool = new ConnectionPool({ origin, ...usual, headMilliseconds: 200 })
    await until(async () => (await ask({ path: '/open' }).catch(() => undefined)) !== undefined)
    const answer = ask()
    await new Promise(setImmediate) // it is on its way
    Atomics.wait(answered, 0, 0)
    assert.equal((await answer).text, 'late')
  })

  it('fails when nobody listens, when the pool has ended, and when it was given up before', async () => {
    const nobody = new ConnectionPool({ origin: new URL('http://127.0.0.1:1'), ...usual })
    await assert.rejects(nobody.request({ path: '/', method: 'GET' }), { code: 'ECONNREFUSED' })
    await assert.rejects(ask({ signal: AbortSignal.abort(new Error('mine')) }), { message: 'mine' })
    const ended = { name: 'ClientDestroyedError' }
    const connecting = assert.rejects(ask(), ended)
    await new Promise(setImmediate)
    const waiting = assert.rejects(ask(), ended)
    await pool.destroy()
    await Promise.all([connecting, waiting])
    await assert.rejects(ask(), { name: 'ClientDestroyedError' })
  })

  it('is not sent once it was given up', async () => {
    answerWith(hello)
    const stop = new AbortController()
    const given = assert.rejects(ask({ signal: stop.signal }), { message: 'enough' })
    stop.abort(new Error('enough'))
    await given
    assert.equal((await ask()).text, 'hello')
    assert.equal(connections(), 1)
  })

  it('is not sent if it is given up while its connection is opened, which serves the next one', async () => {
    answerWith(hello)
    const stop = new AbortController()
    const given = assert.rejects(ask({ signal: stop.signal, path: '/given-up' }), { message: 'enough' })
    await new Promise(setImmediate)
    stop.abort(new Error('enough'))
    await given
    while (connections() === 0) await new Promise(setImmediate)
    assert.equal((await ask()).text, 'hello')
    assert.match(server.received.join(''), /^POST \/mcp /)
  })

  it('is given up by its end, and its connection with it', { timeout: 10_000 }, async () => {
    const stop = new AbortController()
    const closed = new Promise((resolve) => {
      server.onData = (socket) => {
        socket.on('close', resolve)
        stop.abort(new Error('enough'))
      }
    })
    await assert.rejects(ask({ signal: stop.signal }), { message: 'enough' })
    await closed
  })
})

describe('an answer of a server', () => {
  it('is read however it is cut into pieces', async () => {
    const whole =
      'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConstructor: c\r\nX-Twice: a\r\nx-twice: b\r\nx-empty:\r\n' +
      'Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: t\r\n\r\n'
    for (const pieces of [[whole], whole.split('')]) {
      answerWith(...pieces)
      const { text, headers } = await ask()
      assert.equal(text, 'hello')
      assert.equal(headers['content-type'], 'text/plain')
      assert.deepEqual(headers['x-twice'], ['a', 'b'])
      assert.equal(headers['x-empty'], '')
      assert.equal(headers['constructor'], 'c')
    }
    assert.equal(connections(), 1)
  })

  it('may have no length, and then ends with the connection', async () => {
    server.onData = (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nhello')
    assert.equal((await ask()).text, 'hello')
    assert.equal((await ask()).text, 'hello')
    assert.equal(connections(), 2)
  })

  it('may have others before it', async () => {
    answerWith('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n', hello)
    const { status, headers } = await ask()
    assert.equal(status, 200)
    assert.equal(headers['link'], undefined)
  })

  it('may come before the request was read, whose connection is then not used again', async () => {
    server.onData = (socket) => {
      socket.pause()
      if (!socket.writableEnded) socket.write(hello)
    }
    assert.equal((await ask({ body: Buffer.alloc(8_000_000) })).text, 'hello')
    answerWith(hello)
    assert.equal((await ask()).text, 'hello')
    assert.equal(connections(), 2)
  })

  it('is read as slowly as its reader wants, to the last byte', async () => {
    const piece = `400\r\n${'x'.repeat(1024)}\r\n`
    server.onData = (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${piece.repeat(2000)}`)
      socket.write('0\r\n\r\n')
    }
    const { body } = await pool.request({ path: '/', method: 'GET' })
    let length = 0
    for await (const chunk of body) {
      length += (chunk as Buffer).length
      if (length % 50_000 < 1024) await wait(1)
    }
    assert.equal(length, 2000 * 1024)
    answerWith(hello)
    assert.equal((await ask()).text, 'hello')
    assert.equal(connections(), 1)
  })

  it('that does not come in time is given up', async () => {
    pool = new ConnectionPool({ origin: server.origin, ...usual, headMilliseconds: 100 })
    await assert.rejects(ask(), { name: 'HeadersTimeoutError' })
    answerWith('HTTP/1.1 102 Processing\r\n\r\n')
    await assert.rejects(ask(), { name: 'HeadersTimeoutError' }, 'an interim one is none')
  })

  it('may take its time once it has begun', async () => {
    pool = new ConnectionPool({ origin: server.origin, ...usual, headMilliseconds: 100 })
    server.onData = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n')
      setTimeout(() => socket.write('hello'), 300)
    }
    assert.equal((await ask()).text, 'hello')
  })
})

describe('an answer that is none (A35)', () => {
  const head = 'HTTP/1.1 200 OK\r\n'
  const wrong: [string, string, string][] = [
    ['is no HTTP', 'nonsense\r\n\r\n', 'HTTPParserError'],
    ['has two lengths', `${head}content-length: 5\r\ncontent-length: 6\r\n\r\nhello`, 'HTTPParserError'],
    [
      'has a length and chunks',
      `${head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      'HTTPParserError',
    ],
    ['has a length that is no number', `${head}content-length: +5\r\n\r\nhello`, 'HTTPParserError'],
    ['has a bare line feed', `${head}x: y\n\r\n\r\n`, 'HTTPParserError'],
    ['has a folded header', `${head}x: y\r\n z\r\n\r\n`, 'HTTPParserError'],
    ['has a space before a colon', `${head}x : y\r\n\r\n`, 'HTTPParserError'],
    [
      'changes the protocol',
      'HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
      'HTTPParserError',
    ],
    ['has an endless head', `${head}x: ${'y'.repeat(20_000)}\r\n\r\n`, 'HeadersOverflowError'],
    ['has many headers', `${head}${'abcdefgh: i\r\n'.repeat(2000)}\r\n`, 'HeadersOverflowError'],
  ]
  for (const [what, bytes, name] of wrong) {
    it(`${what}: ${name}`, async () => {
      answerWith(bytes)
      await assert.rejects(ask(), { name })
      answerWith(hello)
      assert.equal((await ask()).text, 'hello')
      assert.equal(connections(), 2, 'on a connection of its own')
    })
  }

  it('ends within its head, or within its body', async () => {
    server.onData = (socket) => socket.end('HTTP/1.1 200 OK\r\nconte')
    await assert.rejects(ask(), { name: 'SocketError' })
    server.onData = (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel')
    await assert.rejects(ask(), { name: 'SocketError' })
    server.onData = (socket) =>
      socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n')
    await assert.rejects(ask(), { name: 'SocketError' })
    server.onData = (socket) => socket.resetAndDestroy()
    await assert.rejects(ask(), { code: 'ECONNRESET' })
  })
})

describe('what a server sends that nobody asked for (A35)', () => {
  const forged = 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged'

  it('is not taken for the answer to the next request', async () => {
    for (const pieces of [[hello + forged], [hello, forged]]) {
      answerWith(...pieces)
      const answer = server.onData
      const closed = new Promise((resolve) => {
        server.onData = (socket, connection) => {
          socket.on('close', resolve)
          answer(socket, connection)
        }
      })
      assert.equal((await ask()).text, 'hello')
      await closed
      answerWith(hello)
      const used = connections()
      assert.equal((await ask()).text, 'hello')
      assert.equal(connections(), used + 1)
    }
  })

  it('is not taken for it either where the next request comes in the same turn', async () => {
    let first: Socket | undefined
    server.onData = (socket) => {
      first ??= socket
      socket.write(hello)
    }
    await ask()
    first?.write(forged)
    // The bytes have arrived, and this process has not looked at them.
    const end = performance.now() + 50
    while (performance.now() < end);
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal((await ask()).text, 'hello')
  })

  it('is not taken for it where a body stands behind an answer that has none', async () => {
    const lengths = { 'content-length: 6\r\n': 1, 'transfer-encoding: chunked\r\n': 1, '': 0 }
    const check = async (status: number, length: string, more: number): Promise<void> => {
      const used = Math.max(connections(), 1)
      answerWith(`HTTP/1.1 ${status} X\r\n${length}\r\n`, ...(more === 0 ? [] : [forged]))
      assert.equal((await ask()).status, status)
      answerWith(hello)
      assert.equal((await ask()).text, 'hello')
      assert.equal(connections() - used, more, `${status} ${length}`)
    }
    for (const [length, more] of Object.entries(lengths)) {
      await check(204, length, more)
      await check(304, length, more)
    }
  })
})
