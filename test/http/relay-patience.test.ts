import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { connect } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { Agent } from 'undici'
import { relay, type Transform } from '../../src/http/relay.ts'
import { listen } from '../support/listen.ts'
import { readSlowly } from '../support/read-slowly.ts'

const serve = async (test: TestContext, handler: RequestListener): Promise<string> =>
  (await listen(createServer(handler), test)).url

/** A relay in front of a server, which waits as long as it is told. */
async function startRelay(
  test: TestContext,
  server: RequestListener,
  patience: { silence: number; stall: number },
  transform?: () => Transform,
): Promise<string> {
  const origin = await serve(test, server)
  const dispatcher = new Agent()
  test.after(() => dispatcher.destroy())
  return serve(test, (_req, res) => {
    void relay({
      dispatcher,
      request: { origin, path: '/', method: 'GET' },
      res,
      accept: (status, headers) => ({ status, headers: ['content-type', String(headers['content-type'])] }),
      onClientGone: 'abort',
      patience,
      ...(transform === undefined ? {} : { transform }),
    })
  })
}

const events = { 'content-type': 'text/event-stream' }

/** Reads to the end, or until there is enough. */
async function textOf(url: string, isEnough = (_text: string) => false): Promise<string> {
  const response = await fetch(url)
  let text = ''
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    text += Buffer.from(chunk).toString()
    if (isEnough(text)) break
  }
  return text
}

describe('a relayed event stream', { timeout: 20_000 }, () => {
  it('shows between two events that it lives while its server says nothing (O15, N25)', async (test) => {
    const url = await startRelay(
      test,
      (_req, res) => {
        res.writeHead(200, events).write('data: one\n\n')
      },
      { silence: 60, stall: 10_000 },
    )
    const text = await textOf(url, (read) => read.endsWith(': \n\n: \n\n'))
    assert.match(text, /^data: one\n\n(?:: \n\n)+$/)
  })

  it('says something soon, since some proxies withhold its head until something follows it (O15)', async (test) => {
    const url = await startRelay(test, (_req, res) => res.writeHead(200, events).flushHeaders(), {
      silence: 3_600_000,
      stall: 10_000,
    })
    assert.equal(await textOf(url, (read) => read !== ''), ': \n\n')
  })

  it('is not mixed with text where it is compressed', async (test) => {
    const url = await startRelay(
      test,
      (_req, res) => {
        res.writeHead(200, { ...events, 'content-encoding': 'x-test' }).flushHeaders()
        setTimeout(() => res.end('data: one\n\n'), 300)
      },
      { silence: 40, stall: 10_000 },
    )
    assert.equal(await textOf(url), 'data: one\n\n')
  })

  it('differs from a document, into which nothing is put', async (test) => {
    const url = await startRelay(
      test,
      (_req, res) => {
        res.writeHead(200, { 'content-type': 'application/json' }).write('{}')
        setTimeout(() => res.end('  '), 300)
      },
      { silence: 40, stall: 10_000 },
    )
    assert.equal(await textOf(url), '{}  ')
  })

  it('is not interrupted in the middle of an event', async (test) => {
    const url = await startRelay(
      test,
      (_req, res) => {
        res.writeHead(200, events).write('data: half')
        setTimeout(() => res.end(' and half\n\n'), 300)
      },
      { silence: 40, stall: 10_000 },
    )
    assert.equal(await textOf(url), 'data: half and half\n\n')
  })
})

describe('an answer whose client reads nothing', () => {
  it('is cut off after a while, and its server is let go (A36)', { timeout: 20_000 }, async (test) => {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    const url = await startRelay(
      test,
      (_req, res) => {
        res.writeHead(200, { 'content-type': 'application/octet-stream' })
        const more = (): void => {
          while (!res.destroyed && res.write(Buffer.alloc(1 << 20)));
          if (!res.destroyed) res.once('drain', more)
        }
        res.once('close', end)
        more()
      },
      { silence: 10_000, stall: 200 },
    )
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    test.after(() => socket.destroy())
    socket.on('error', () => {}) // a reset is what this is about
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    socket.pause()
    await ended
  })

  it('goes on where the client reads slowly', async (test) => {
    const [size, stall] = [32 << 20, 2000]
    const url = await startRelay(
      test,
      (_req, res) => res.writeHead(200, { 'content-type': 'text/plain' }).end(Buffer.alloc(size)),
      { silence: 10_000, stall },
    )
    const response = await fetch(url)
    const began = performance.now()
    let read = 0
    for await (const chunk of response.body as ReadableStream<Uint8Array>) {
      read += chunk.length
      // For longer than a client may read nothing, and then the rest.
      if (performance.now() - began < 2 * stall) await wait(20)
    }
    assert.equal(read, size)
  })

  it('goes on where the client reads slowly what is sent in one piece, as an event that is read is', async (test) => {
    const [size, stall] = [32 << 20, 2000]
    const event = `data: ${'x'.repeat(size)}\n\n`
    const url = await startRelay(
      test,
      (_req, res) => res.writeHead(200, events).end(event),
      { silence: 60_000, stall },
      () => {
        let text = ''
        return {
          take(chunk) {
            text += chunk.toString('latin1')
            return text.length === event.length ? text : ''
          },
          end: () => '',
        }
      },
    )
    const client = connect(Number(new URL(url).port), '127.0.0.1')
    test.after(() => client.destroy())
    const read = readSlowly(client, 2.5 * stall)
    client.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    await once(client, 'end')
    assert.ok(read() > size, `${read()} bytes came`)
  })
})
