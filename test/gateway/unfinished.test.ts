import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { type GatedSpy, legacyRequest, modernRequest, startGatedSpy } from '../support/gated-spy.ts'
import { listen } from '../support/listen.ts'
import { echo } from '../support/spy-upstream.ts'
import { until } from '../support/until.ts'

let gate: GatedSpy
let token: string
before(async () => {
  gate = await startGatedSpy()
  token = await gate.tokenFor('mcp:*')
})
after(() => gate.close())

/** A connection to the gate, with all that has come on it. */
function dial(): { socket: Socket; came: () => string } {
  const port = Number(new URL(gate.installation.url).port)
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString('latin1')))
  socket.on('error', () => {}) // a reset is an answer, too
  return { socket, came: () => text }
}

const head = (length: number, headers = ''): string =>
  `POST /mcp HTTP/1.1\r\nHost: ${new URL(gate.installation.url).host}\r\n${headers}` +
  `Content-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`

const statuses = (text: string): string[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => code as string)

describe('a request whose body is still on its way', { timeout: 30_000 }, () => {
  it('is refused at once where its head says enough, and its body is never taken for requests (A1, A35)', async () => {
    const seen = gate.spy.seen.length
    const body = `GET /gateway/jwks HTTP/1.1\r\nHost: x\r\n\r\n${'x'.repeat(100_000)}`
    const { socket, came } = dial()
    socket.write(head(body.length) + body.slice(0, 10))
    await until(() => statuses(came()).length === 1)
    socket.write(body.slice(10) + head(2) + '{}')
    await wait(100)
    socket.destroy()
    assert.deepEqual(statuses(came()), ['401'], 'nor is anything behind it')
    assert.match(came(), /^connection: close/im)
    assert.equal(gate.spy.seen.length, seen)
  })

  it('is told from one that came with its head, whose connection goes on after a refusal', async () => {
    const { socket, came } = dial()
    const { body, headers } = modernRequest('tools/list')
    const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const text = JSON.stringify(body)
    for (const count of [1, 2]) {
      socket.write(head(text.length, fields.join('')) + text)
      await until(() => statuses(came()).length === count)
    }
    socket.destroy()
    assert.deepEqual(statuses(came()), ['401', '401'])
    assert.doesNotMatch(came(), /^connection: close/im)
  })

  it('never reaches the server when its client goes away, which is no fault of the gate (A36)', async () => {
    const seen = gate.spy.seen.length
    const { socket, came } = dial()
    const fields = `Authorization: Bearer ${token}\r\nExpect: 100-continue\r\n`
    socket.write(`${head(1000, fields)}{"jsonrpc":"2.0",`)
    await until(() => statuses(came()).includes('100'), 'the gate has the head')
    socket.destroy()
    await until(async () =>
      (await gate.installation.audit()).some(
        ({ code, outcome }) => code === 'request_aborted' && outcome === 'denied',
      ),
    )
    assert.equal(gate.spy.seen.length, seen)
    assert.doesNotMatch(gate.installation.log(), /"level":50/)
    assert.equal((await gate.post(legacyRequest('ping'), { token })).status, 200)
  })
})

describe('a request whose client is gone before its answer', { timeout: 30_000 }, () => {
  it('is told of as what it was: allowed, and answered to nobody', async () => {
    const left = new AbortController()
    gate.spy.answerWith(() => left.abort())
    const { body, headers } = modernRequest('tools/list')
    await assert.rejects(
      fetch(gate.installation.mcpUrl, {
        method: 'POST',
        signal: left.signal,
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
        body: JSON.stringify(body),
      }),
    )
    // The audit was told when it was let pass; how it ended stands in the log.
    await until(async () =>
      gate.installation
        .log()
        .split('\n')
        .some((line) => line.includes('"status":499') && line.includes('"outcome":"allowed"')),
    )
    gate.spy.answerWith(echo)
  })
})

describe('requests that come without waiting for answers', { timeout: 30_000 }, () => {
  it('are all given up when their client is gone (A36)', async () => {
    const its = await gate.tokenFor('mcp:*')
    gate.spy.answerWith((_request, res) =>
      res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders(),
    )
    const { body, headers } = modernRequest('tools/list')
    const text = JSON.stringify(body)
    const fields = Object.entries({ authorization: `Bearer ${its}`, ...headers })
    const request = head(text.length, fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')) + text
    const [seen, aborted] = [gate.spy.seen.length, gate.spy.aborted()]
    const { socket } = dial()
    socket.write(request.repeat(3))
    await until(() => gate.spy.seen.length === seen + 3)
    socket.destroy()
    await until(() => gate.spy.aborted() === aborted + 3)
    gate.spy.answerWith(echo)
  })
})

describe('a server that answers before it has read the request', { timeout: 30_000 }, () => {
  it('is heard, whole or as a stream, though it never reads the rest', async (test) => {
    const answer = '{"jsonrpc":"2.0","id":7,"result":{"early":true}}'
    const whole = `Content-Type: application/json\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`
    const event = `event: message\ndata: ${answer}\n\n`
    const streamed = `Content-Type: text/event-stream\r\n\r\n${event}`
    let next = ''
    let unread = 0
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', (chunk) => {
        socket.pause()
        unread = size - chunk.length
        socket.write(`HTTP/1.1 200 OK\r\nConnection: close\r\n${next}`)
        if (next === streamed) setTimeout(() => socket.end(), 50)
      })
    })
    const url = `${(await listen(server, test)).url}/mcp`
    const early = await startGatedSpy({}, undefined, { url })
    test.after(() => early.close())
    const large = legacyRequest('tools/call', { name: 'a', arguments: { text: 'x'.repeat(3_900_000) } })
    const size = JSON.stringify(large).length
    const its = await early.tokenFor('mcp:*')
    for (const [sent, expected] of [
      [whole, answer],
      [streamed, event],
    ] as const) {
      next = sent
      const { status, text } = await early.post(large, { token: its })
      assert.deepEqual({ status, text }, { status: 200, text: expected })
      assert.ok(unread > 0, 'the request was longer than what the server had read')
    }
  })
})
