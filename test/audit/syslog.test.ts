import assert from 'node:assert/strict'
import { type BindOptions, createSocket, Socket as DatagramSocket } from 'node:dgram'
import dns from 'node:dns/promises'
import { syncBuiltinESMExports } from 'node:module'
import { createServer, Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { syslogSink } from '../../src/audit/sinks/syslog.ts'
import { syslogMessage } from '../../src/audit/sinks/syslog-message.ts'
import { listen } from '../support/listen.ts'
import { makeCertificate, type TestPair } from '../support/local-tls.ts'
import { until } from '../support/until.ts'

const sender = { host: 'gate-1', pid: 42 }
const line =
  '{"v":1,"chain":"c","seq":7,"prev":"","time":"2026-11-27T12:00:00.000Z","event":"mcp.call","outcome":"denied","object":"Ünï"}'
const message = `<108>1 2026-11-27T12:00:00.000Z gate-1 portcullis 42 mcp.call - ${line}`
const format = (text: string): string => text
const framed = `${Buffer.byteLength(message)} ${message}`

/** A syslog server that shows a certificate, and what it was sent. */
async function startTls(test: TestContext, pair: TestPair) {
  let received = ''
  const server = createTlsServer(pair, (socket) => {
    socket.on('data', (chunk) => (received += chunk.toString()))
    socket.on('error', () => undefined)
  })
  server.on('tlsClientError', () => undefined)
  const { port } = await listen(server, test)
  return { port, received: () => received }
}

describe('the syslog sink', () => {
  it('sends RFC 5424 over TCP, each message with its length in bytes, and connects again', async (test) => {
    let received = ''
    let connections = 0
    const open: Socket[] = []
    const server = createServer((socket) => {
      connections++
      open.push(socket)
      socket.on('data', (chunk) => (received += chunk.toString()))
      socket.on('error', () => undefined)
    })
    const { port } = await listen(server, test)
    const sink = syslogSink({ name: 's', transport: 'tcp', host: '127.0.0.1', port, sender, format })
    test.after(() => sink.close())
    await sink.deliver([line, line])
    await until(() => received.length >= 2 * framed.length, 'the lines have come')
    assert.equal(received, framed + framed)
    await sink.deliver([line])
    await until(() => received.length >= 3 * framed.length, 'the lines have come')
    assert.equal(connections, 1, 'as long as the one that there is holds')
    open[0]?.destroy()
    await new Promise((resolve) => setTimeout(resolve, 50))
    await sink.deliver([line])
    await until(() => received.length >= 4 * framed.length, 'the lines have come')
    assert.equal(connections, 2)
  })

  for (const end of ['end', 'resetAndDestroy'] as const)
    it(`connects again after a server that greets has called ${end}`, async (test) => {
      let received = ''
      const open: Socket[] = []
      const server = createServer((socket) => {
        open.push(socket.on('data', (chunk) => (received += chunk.toString())))
        socket.write('welcome')
      })
      const { port } = await listen(server, test)
      const { mock } = test.mock.method(Socket.prototype, 'setKeepAlive')
      const sink = syslogSink({ name: 's', transport: 'tcp', host: '127.0.0.1', port, sender, format })
      test.after(() => sink.close())
      await sink.deliver([line])
      await until(() => received === framed, 'the line has come')
      open[0]?.[end]()
      const [own] = mock.calls.map((call) => call.this as Socket)
      await until(() => own?.destroyed === true, 'the connection is given up')
      await sink.deliver([line])
      await until(() => received === framed + framed, 'the line has come')
    })

  it('says so of a server that takes nothing any more, and takes it for down', {
    timeout: 30_000,
  }, async (test) => {
    const { port } = await listen(createServer({ pauseOnConnect: true }), test)
    const to = { transport: 'tcp', host: '127.0.0.1', port } as const
    const sink = syslogSink({ name: 's', ...to, sender, format, patienceMilliseconds: 50 })
    const many = Array.from({ length: 10_000 }, () => line)
    const fill = async (): Promise<void> => {
      for (;;) await sink.deliver(many)
    }
    await assert.rejects(fill(), /it has taken nothing for 0\.05 s/)
    await sink.close()
  })

  it('gives a server that is merely slow a minute to take more', async (test) => {
    const server = createServer((socket) => socket.resume())
    const { port } = await listen(server, test)
    const sink = syslogSink({ name: 's', transport: 'tcp', host: '127.0.0.1', port, sender, format })
    const { mock } = test.mock.method(Socket.prototype, 'setTimeout')
    await sink.deliver([line])
    await sink.close()
    const waits = mock.calls.map(({ arguments: [milliseconds] }) => milliseconds)
    assert.deepEqual(
      waits.filter((milliseconds) => milliseconds > 0),
      [60_000],
    )
  })

  it('gives each outcome its severity, and one also to an outcome of a newer version', () => {
    const severities = { allowed: 6, challenged: 5, limited: 4, denied: 4, failed: 3 }
    for (const [outcome, severity] of Object.entries(severities)) {
      const event = line.replace('"denied"', `"${outcome}"`)
      assert.ok(syslogMessage(event, event, sender).startsWith(`<${13 * 8 + severity}>1 `), outcome)
    }
    const newer = line.replace('"denied"', '"postponed"')
    assert.ok(syslogMessage(newer, newer, sender).startsWith('<110>1 2026-11-27T12:00:00.000Z gate-1 '))
  })

  it('has nothing in its head but what belongs there, whatever an event calls itself', () => {
    const odd = line.replace('"mcp.call"', JSON.stringify('mcp .call\n<108>1 é'))
    const head = '<108>1 2026-11-27T12:00:00.000Z gate-1 portcullis 42 mcp.call<108>1 - '
    assert.ok(syslogMessage(odd, 'text', sender).startsWith(`${head}text`))
    const long = line.replace('mcp.call', 'm'.repeat(33))
    assert.match(
      syslogMessage(long, 'text', sender),
      / 42 m{32} - text$/,
      'RFC 5424 section 6 allows no more',
    )
    assert.equal(syslogMessage('torn', 'text', sender), '<110>1 - gate-1 portcullis 42 - - text')
  })

  it('names its machine in full, by whose last characters a cluster tells its replicas apart', () => {
    const host = 'portcullis-gateway-7d9c5b7c9f-x2x4z'
    assert.match(syslogMessage(line, 'text', { host, pid: 42 }), new RegExp(`Z ${host} portcullis 42 `))
    const endless = syslogMessage(line, 'text', { host: 'h'.repeat(256), pid: 42 })
    assert.match(endless, / h{255} portcullis 42 /, 'RFC 5424 section 6 allows no more')
  })

  it('sends datagrams over IPv6 where the name leads to nothing else', async (test) => {
    const found = test.mock.method(dns, 'lookup', async () => ({ address: '::1', family: 6 }))
    syncBuiltinESMExports()
    test.after(() => {
      found.mock.restore()
      syncBuiltinESMExports()
    })
    const server = createSocket('udp6')
    await new Promise<void>((resolve) => server.bind(0, '::1', resolve))
    test.after(() => server.close())
    const got = new Promise<string>((resolve) => server.once('message', (data) => resolve(data.toString())))
    const { port } = server.address()
    const sink = syslogSink({ name: 's', transport: 'udp', host: 'siem.invalid', port, sender, format })
    test.after(() => sink.close())
    await sink.deliver([line])
    assert.equal(await got, message)
    assert.deepEqual(found.mock.calls[0]?.arguments, ['siem.invalid', { order: 'ipv4first' }])
  })

  it('says that it got no socket for datagrams, and gets one the next time', {
    timeout: 10_000,
  }, async (test) => {
    const bind: (this: DatagramSocket, options: BindOptions) => DatagramSocket = Reflect.get(
      DatagramSocket.prototype,
      'bind',
    )
    const elsewhere = test.mock.method(
      DatagramSocket.prototype,
      'bind',
      function (this: DatagramSocket, options: BindOptions) {
        return bind.call(this, { ...options, address: '203.0.113.1' })
      },
    )
    const sink = syslogSink({ name: 's', transport: 'udp', host: '127.0.0.1', port: 9, sender, format })
    test.after(() => sink.close())
    await assert.rejects(sink.deliver([line]), { code: 'EADDRNOTAVAIL' })
    elsewhere.mock.restore()
    await sink.deliver([line])
  })

  it('sends one datagram for each event over UDP', async (test) => {
    const server = createSocket('udp4')
    await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve))
    test.after(() => server.close())
    const got = new Promise<string>((resolve) => server.once('message', (data) => resolve(data.toString())))
    const { port } = server.address()
    const sink = syslogSink({ name: 's', transport: 'udp', host: '127.0.0.1', port, sender, format })
    await sink.deliver([line])
    assert.equal(await got, message)
    await sink.close()
  })

  it('sends over TLS to whom the certificates vouch for, by name and by address (RFC 5425)', async (test) => {
    const pair = makeCertificate()
    const server = await startTls(test, pair)
    for (const host of ['localhost', '127.0.0.1']) {
      const { port, received } = server
      const sink = syslogSink({ name: 's', transport: 'tls', host, port, ca: pair.cert, sender, format })
      test.after(() => sink.close())
      const before = received().length
      await sink.deliver([line])
      await until(() => received().length >= before + framed.length, 'the line has come')
      assert.equal(received().slice(before), framed)
    }
  })

  it('hands nothing to a server of another authority, or of another name', async (test) => {
    const [pair, other, elsewhere] = [
      makeCertificate(),
      makeCertificate(),
      makeCertificate({ names: 'DNS:syslog.example,IP:127.0.0.2' }),
    ]
    for (const [shown, ca, reason] of [
      [pair, other.cert, /self.signed/],
      [pair, undefined, /self.signed/],
      [elsewhere, elsewhere.cert, /does not match certificate's altnames/],
    ] as const) {
      const { port, received } = await startTls(test, shown)
      for (const host of ['localhost', '127.0.0.1']) {
        const sink = syslogSink({ name: 's', transport: 'tls', host, port, ca, sender, format })
        await assert.rejects(sink.deliver([line]), reason, host)
        await sink.close()
      }
      assert.equal(received(), '')
    }
  })

  it('rejects where nobody listens, or whom TLS does not vouch for', async (test) => {
    const nobody = syslogSink({ name: 's', transport: 'tcp', host: '127.0.0.1', port: 9, sender, format })
    await assert.rejects(nobody.deliver([line]), /ECONNREFUSED/)
    const server = createServer((socket) => socket.end('no TLS'))
    const { port } = await listen(server, test)
    const sink = syslogSink({ name: 's', transport: 'tls', host: '127.0.0.1', port, sender, format })
    await assert.rejects(sink.deliver([line]))
  })
})
