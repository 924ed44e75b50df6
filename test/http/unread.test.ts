import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { it } from 'node:test'
import { listen as listenHere } from '../../src/http/listen.ts'
import { endAnswer, watchReader } from '../../src/http/unread.ts'
import { listen } from '../support/listen.ts'
import { readSlowly } from '../support/read-slowly.ts'
import { until } from '../support/until.ts'

it('a client is waited for as long as it reads, also within one message of a stream (A36)', async (test) => {
  const patience = 2000
  const server = createServer((_req, res) => {
    const watch = watchReader(res, patience)
    res.write('x'.repeat(32 << 20), () => res.end())
    watch()
  })
  const client = connect((await listen(server, test)).port, '127.0.0.1')
  test.after(() => client.destroy())
  const read = readSlowly(client, 2.5 * patience)
  client.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  await once(client, 'end')
  assert.ok(read() > 32 << 20, `${read()} bytes came`)
})

it('a client is waited for only so long with every answer of a listener, however it is ended (A36)', async (test) => {
  const timeouts: unknown[] = []
  const server = createServer((req, res) => {
    res.end('x'.repeat(req.url === '/long' ? 32 << 20 : 1))
    timeouts.push(req.socket.timeout ?? 0)
    res.on('finish', () => timeouts.push(req.socket.timeout))
  })
  const port = await listenHere(server, { name: 'gateway', host: '127.0.0.1', port: 0, fix: '' })
  test.after(() => server.close())
  const client = connect(port, '127.0.0.1').pause()
  test.after(() => client.destroy())
  client.write('GET /long HTTP/1.1\r\nHost: x\r\n\r\n')
  await until(() => timeouts.length === 1)
  assert.deepEqual(timeouts.splice(0), [60_000])
  client.resume()
  await until(() => timeouts.length === 1)
  client.write('GET /short HTTP/1.1\r\nHost: x\r\n\r\n')
  await until(() => timeouts.length === 3)
  const limits = [server.keepAliveTimeout + server.keepAliveTimeoutBuffer, 0]
  assert.deepEqual(timeouts.slice(0, 2), limits, 'it limits neither the next request nor its answer')
})

it('an answer that was read slowly limits no request that was sent behind it (A36)', async (test) => {
  const patience = 1500
  const server = createServer((req, res) => {
    if (req.url === '/first') return endAnswer(res, 'x'.repeat(32 << 20), patience)
    // So late that the timeout of the first would have ended the connection, where it goes on.
    return void setTimeout(() => res.end('second'), 2 * patience)
  })
  const client = connect((await listen(server, test)).port, '127.0.0.1')
  test.after(() => client.destroy())
  let last = ''
  client.on('data', (chunk: Buffer) => (last = (last + chunk.toString('latin1')).slice(-6)))
  client.write('GET /first HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  await once(client, 'close')
  assert.equal(last, 'second')
})
