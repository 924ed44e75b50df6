import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { type GatedSpy, startGatedSpy } from '../support/gated-spy.ts'

const piece = 65_536
const pieces = 80

describe('a body that is too large, from a client that reads when it has sent all (A36)', () => {
  let gate: GatedSpy
  let token: string
  before(async () => {
    gate = await startGatedSpy()
    token = await gate.tokenFor('mcp:*')
  })
  after(() => gate.close())

  async function open({ installation } = gate): Promise<Socket> {
    const { hostname, port } = new URL(installation.url)
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true }).pause()
    await once(socket, 'connect')
    return socket
  }

  const head = (length: string, { installation } = gate): string =>
    [
      'POST /mcp HTTP/1.1',
      `Host: ${new URL(installation.url).host}`,
      `Authorization: Bearer ${token}`,
      'Accept: application/json, text/event-stream',
      'Content-Type: application/json',
      length,
      '\r\n',
    ].join('\r\n')

  const write = (socket: Socket, text: string): Promise<void> =>
    new Promise((resolve, reject) => socket.write(text, (error) => (error ? reject(error) : resolve())))

  /** Reads until a text has come, or the connection ends. */
  function read(socket: Socket, expected: RegExp): Promise<string> {
    return new Promise((resolve) => {
      let text = ''
      const done = (): void => {
        socket.off('data', collect).off('end', done).off('close', done).pause()
        resolve(text)
      }
      const collect = (chunk: Buffer): void => {
        text += chunk.toString()
        if (expected.test(text)) done()
      }
      socket.on('data', collect).on('end', done).on('close', done).resume()
    })
  }

  for (const [how, length, framed] of [
    ['of a length that it declares', `Content-Length: ${piece * pieces}`, (text: string) => text],
    [
      'in chunks',
      'Transfer-Encoding: chunked',
      (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`,
    ],
  ] as const) {
    it(`is answered, ${how}, and ends its connection, so that no proxy sends anything behind it`, async () => {
      const socket = await open()
      await write(socket, head(length))
      for (let sent = 0; sent < pieces; sent++) await write(socket, framed('x'.repeat(piece)))
      if (how === 'in chunks') await write(socket, '0\r\n\r\n')
      const answer = await read(socket, /never/)
      assert.match(answer, /^HTTP\/1\.1 413 [^]*body_too_large[^]*\}\}$/)
      assert.match(answer, /\r\nConnection: close\r\n/i)
      assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1, 'nothing of the body is read as a request')
    })
  }

  it('is answered while it is being sent', async () => {
    const socket = await open()
    await write(socket, head(`Content-Length: ${piece * pieces}`))
    await write(socket, 'x'.repeat(piece))
    assert.match(await read(socket, /\}\}$/), /^HTTP\/1\.1 413 /)
    for (let sent = 1; sent < pieces; sent++) await write(socket, 'x'.repeat(piece)) // and is not cut off
    socket.destroy()
  })

  it('is answered also where the connection would end anyway (HTTP/1.0, as nginx speaks it)', async () => {
    const socket = await open()
    await write(socket, head(`Content-Length: ${piece * pieces}`).replace('HTTP/1.1', 'HTTP/1.0'))
    for (let sent = 0; sent < pieces; sent++) await write(socket, 'x'.repeat(piece))
    assert.match(await read(socket, /never/), /^HTTP\/1\.1 413 [^]*body_too_large[^]*\}\}$/)
  })

  it('that never ends is cut off when the time of a request is over', { timeout: 30_000 }, async (test) => {
    const strict = await startGatedSpy({ limits: { requestSeconds: 1, headSeconds: 1 } })
    test.after(() => strict.close())
    const socket = await open(strict)
    socket.on('error', () => undefined) // a reset is an answer, too
    await write(socket, head(`Content-Length: ${2 ** 40}`, strict))
    const sending = setInterval(() => socket.write('x'), 20)
    await new Promise((resolve) => socket.once('close', resolve).resume())
    clearInterval(sending)
  })
})
