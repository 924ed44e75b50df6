import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import { systemClock as clock } from '../../src/core/clock.ts'
import { ConnectionPool } from '../../src/upstream/wire/pool.ts'
import { listen } from '../support/listen.ts'
import { type RawServer, startRawServer } from '../support/raw-server.ts'

let server: RawServer
let pool: ConnectionPool
const milliseconds = { connectMilliseconds: 2000, headMilliseconds: 20_000, idleMilliseconds: 60_000, clock }
before(async () => {
  server = await startRawServer()
})
after(() => server.close())
beforeEach(() => {
  server.onData = () => {}
  server.received.length = 0
  pool = new ConnectionPool({ origin: server.origin, ...milliseconds })
})

async function ask(): Promise<string> {
  const { body } = await pool.request({ path: '/mcp', method: 'POST', body: Buffer.from('{}') })
  return body.text()
}

const hello = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello'
const keeping = (seconds: number): string => hello.replace('\r\n', `\r\nkeep-alive: timeout=${seconds}\r\n`)
const connections = (): number => server.received.filter((text) => text !== undefined).length

describe('an idle connection', () => {
  it('is used again however much its answers have said in their heads before', async () => {
    const long = hello.replace('\r\n', `\r\nx: ${'y'.repeat(4000)}\r\n`)
    server.onData = (socket) => socket.write(long)
    for (let count = 0; count < 10; count++) assert.equal(await ask(), 'hello')
    assert.equal(connections(), 1)
  })

  it('is not used when the server has ended it', async () => {
    const closed = new Promise((resolve) => {
      server.onData = (socket) => socket.on('close', resolve).end(hello)
    })
    await ask()
    await closed
    server.onData = (socket) => socket.end(hello)
    assert.equal(await ask(), 'hello')
    assert.equal(connections(), 2)
  })

  it('is not used when the server said that this is the end', async () => {
    server.onData = (socket) => socket.write(hello.replace('\r\n', '\r\nconnection: close\r\n'))
    await ask()
    await ask()
    assert.equal(connections(), 2)
  })

  it('is used again only while its server certainly keeps it', async () => {
    for (const [seconds, more] of [
      [1, 1],
      [2, 1],
      [60, 0],
    ] as const) {
      pool = new ConnectionPool({ origin: server.origin, ...milliseconds })
      server.onData = (socket) => socket.write(keeping(seconds))
      await ask()
      const used = connections()
      await ask()
      assert.equal(connections() - used, more, `${seconds} s`)
    }
  })

  it('is closed in time, and earlier where the server keeps it for less', async () => {
    const closing = async (answer: string, idleMilliseconds: number): Promise<void> => {
      pool = new ConnectionPool({ origin: server.origin, ...milliseconds, idleMilliseconds })
      const closed = new Promise<void>((resolve) => {
        server.onData = (socket) => {
          socket.on('close', () => resolve())
          socket.write(answer)
        }
      })
      await ask()
      await closed
    }
    await closing(hello, 50)
    await closing(keeping(600), 50)
    await closing(keeping(2), 60_000)
  })

  it('is used again for half as long as its server keeps one that closes it without a word before', async (test) => {
    let now = 1000
    test.mock.method(performance, 'now', () => now)
    const used = async (): Promise<number> => {
      assert.equal(await ask(), 'hello')
      return connections()
    }
    let last: Socket | undefined
    server.onData = (socket) => {
      last = socket
      socket.write(hello)
    }
    const dismiss = async (): Promise<void> => {
      const gone = once(last as Socket, 'close')
      last?.end()
      await gone
    }
    assert.equal(await used(), 1)
    now += 59_000
    assert.equal(await used(), 1)
    now += 3000
    await dismiss()
    assert.equal(await used(), 2)
    now += 1499
    assert.equal(await used(), 2)
    now += 1500
    assert.equal(await used(), 3, 'after half of that')
    await dismiss()
    assert.equal(await used(), 4)
    now += 499
    assert.equal(await used(), 4, 'no server that was stopped costs all connections')
    now += 500
    assert.equal(await used(), 5)
    now += 10 * 60_000
    assert.equal(await used(), 6)
    now += 59_000
    assert.equal(await used(), 6, 'nor for as long as the gateway runs')
  })

  it('is closed in time also if it has never been used, since its request left while it was opened', async (test) => {
    const quiet = createServer()
    const listening = await listen(quiet)
    test.after(() => listening.close())
    const origin = new URL(listening.url)
    pool = new ConnectionPool({ ...milliseconds, origin, idleMilliseconds: 50 })
    const opened = once(quiet, 'connection')
    const leaving = new AbortController()
    const asked = pool.request({ path: '/mcp', method: 'GET', signal: leaving.signal })
    setImmediate(() => leaving.abort())
    await assert.rejects(asked)
    const [socket] = (await opened) as [Socket]
    await once(socket.resume(), 'close')
  })
})
