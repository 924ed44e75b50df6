import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, Server, type ServerOptions } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { createOpened } from '../../src/compose/listeners.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { makeCertificate } from '../support/local-tls.ts'
import { until } from '../support/until.ts'

/** What one line of the log says. */
interface Line {
  readonly code: string
  readonly reason: string
  readonly msg: string
}

const limits: ServerOptions = {
  maxHeaderSize: 4096,
  headersTimeout: 100,
  requestTimeout: 100,
  connectionsCheckingInterval: 20,
}

interface OpenedPart {
  readonly port: number
  /** The log. */
  readonly written: () => string
  readonly lines: () => Line[]
}

/** Lets a part listen. */
async function open(
  test: TestContext,
  server: Parameters<ReturnType<typeof createOpened>['listen']>[1],
): Promise<OpenedPart> {
  const destination = new PassThrough()
  let written = ''
  destination.on('data', (chunk: Buffer) => {
    written += chunk.toString()
  })
  const log = createLog({ level: 'info', format: 'json', destination })
  const onFault = (error: unknown): void => assert.fail(String(error))
  const opened = createOpened({ log, onFault })
  test.after(() => opened.close())
  await opened.listen('gateway', server, { host: '127.0.0.1', port: 0, hostFix: 'none' })
  return {
    port: (server.address() as AddressInfo).port,
    written: () => written,
    lines: () => written.split('\n').flatMap((line): Line[] => (line === '' ? [] : [JSON.parse(line)])),
  }
}

/** Sends bytes, and returns what comes back until the connection ends. */
async function send(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined).write(bytes)
  return text(socket)
}

const answering = (): Server => createServer(limits, (_, res) => res.end('heard'))

describe('what arrives instead of a request is in the log', () => {
  const secret = 'open-sesame'
  const host = 'Host: x\r\n'
  const cases: readonly (readonly [string, string, RegExp, string, RegExp])[] = [
    [
      'a head that is too large (A36)',
      `GET / HTTP/1.1\r\n${host}Authorization: Bearer ${secret.repeat(1000)}\r\n\r\n`,
      /^HTTP\/1\.1 431 /,
      'HPE_HEADER_OVERFLOW',
      /^gateway: what 127\.0\.0\.1 sent is refused: its head is larger than limits\.headerBytes$/,
    ],
    ['what is not HTTP', `${secret}\r\n\r\n`, /^HTTP\/1\.1 400 /, 'HPE_INVALID_METHOD', /: invalid method/],
    [
      'two lengths (A35)',
      `POST / HTTP/1.1\r\n${host}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n${secret}`,
      /^HTTP\/1\.1 400 /,
      'HPE_INVALID_TRANSFER_ENCODING',
      /: transfer-encoding can't be present with content-length$/,
    ],
    [
      'a head that is late',
      `GET /?code=${secret} HTTP/1.1\r\nHost:`,
      /^HTTP\/1\.1 408 /,
      'ERR_HTTP_REQUEST_TIMEOUT',
      /: it took longer than limits\.headSeconds or limits\.requestSeconds$/,
    ],
    [
      'HTTP/2',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      /^HTTP\/1\.1 400 /,
      'HPE_PAUSED_H2_UPGRADE',
      /: it is HTTP\/2, and only HTTP\/1\.1 is spoken here$/,
    ],
  ]
  for (const [what, bytes, answer, code, message] of cases)
    it(`${what}, with nothing of what was sent`, async (test) => {
      const { port, lines, written } = await open(test, answering())
      assert.match(await send(port, bytes), answer, 'Node answers as it would otherwise')
      const [line, ...others] = lines()
      assert.equal(line?.code, code)
      assert.match(line.msg, message)
      assert.deepEqual(others, [])
      assert.doesNotMatch(written(), new RegExp(secret, 'i'))
    })

  it('TLS where plain HTTP is spoken, and the other way round', async (test) => {
    const plain = await open(test, answering())
    await assert.rejects(once(connectTls({ port: plain.port, host: '127.0.0.1' }), 'secureConnect'))
    assert.match(plain.lines()[0]?.reason ?? '', /^it is TLS, and only plain HTTP is spoken here$/)

    const secure = await open(test, createTlsServer({ ...limits, ...makeCertificate() }))
    await send(secure.port, `GET / HTTP/1.1\r\n${host}\r\n`)
    assert.match(secure.lines()[0]?.reason ?? '', /^it is plain HTTP, and only HTTPS is spoken here$/)
  })

  it('a client that does not trust the certificate', async (test) => {
    const { port, lines } = await open(test, createTlsServer({ ...limits, ...makeCertificate() }))
    const visit = ['s_client', '-connect', `127.0.0.1:${port}`, '-verify_return_error']
    const client = spawn('openssl', visit, { stdio: 'ignore' })
    await once(client, 'exit')
    await until(() => lines().length > 0)
    assert.match(lines()[0]?.reason ?? '', /^the client does not trust the certificate$/)
  })

  it('and not who leaves, who says nothing, and who is heard', async (test) => {
    const { port, lines } = await open(test, answering())
    const silent = connect(port, '127.0.0.1').resume()
    await once(silent, 'close')
    const leaving = connect(port, '127.0.0.1')
    leaving.write('GET / HT')
    await once(leaving, 'ready')
    leaving.resetAndDestroy()
    const finished = connect(port, '127.0.0.1').resume()
    await once(finished.end('GET / HT'), 'close')
    assert.match(await send(port, `GET / HTTP/1.1\r\n${host}Connection: close\r\n\r\n`), /heard/)
    assert.deepEqual(lines(), [])
  })

  it('nor who cannot be reached any more, while an answer is on its way', async (test) => {
    const server = createServer((_, res) => {
      res.write('beginning')
      const lost = Object.assign(new Error('read ETIMEDOUT'), { code: 'ETIMEDOUT', syscall: 'read' })
      res.socket?.destroy(lost)
    })
    const { port, lines } = await open(test, server)
    await send(port, `GET / HTTP/1.1\r\n${host}\r\n`).catch(() => undefined)
    assert.deepEqual(lines(), [])
  })
})
