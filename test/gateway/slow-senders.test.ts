import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { freePort } from '../support/installation.ts'
import { trustedCertificate, writePair } from '../support/local-tls.ts'

let gate: GatedSpy
let token: string
before(async () => {
  gate = await startGatedSpy()
  token = await gate.tokenFor('mcp:*')
  await gate.installation.restart({ limits: { headSeconds: 1, requestSeconds: 2 } })
})
after(() => gate.close())

/** Sends a beginning, and a byte now and then. Resolves to what came back until the gateway hung up. */
async function sendSlowly(beginning: string): Promise<string> {
  const socket = connect(Number(new URL(gate.installation.url).port), '127.0.0.1')
  let answer = ''
  socket.on('data', (chunk) => (answer += chunk.toString()))
  socket.on('error', () => {}) // a reset is an answer, too
  socket.write(beginning)
  const dribble = setInterval(() => socket.write('x'), 200)
  await new Promise((resolve) => socket.once('close', resolve))
  clearInterval(dribble)
  return answer
}

describe('requests that never end (A36)', { timeout: 30_000 }, () => {
  it('are cut off in their head, and harm nobody else', async () => {
    const slow = Array.from({ length: 20 }, () => sendSlowly('POST /mcp HTTP/1.1\r\nX-Slow: '))
    assert.equal((await gate.post(legacyRequest('ping'), { token })).status, 200)
    for (const answer of await Promise.all(slow)) assert.match(answer, /^(?:HTTP\/1\.1 408 |$)/)
  })

  it('are cut off in their body, and never reach the server', async () => {
    const earlier = gate.spy.seen.length
    const { host } = new URL(gate.installation.url)
    const head = `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n`
    const body = 'Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n{'
    assert.match(await sendSlowly(head + body), /^(?:HTTP\/1\.1 408 |$)/)
    assert.equal(gate.spy.seen.length, earlier)
  })

  it('are cut off before they begin, in the handshake of TLS', { timeout: 10_000 }, async () => {
    const port = await freePort()
    const listen = { gateway: port, tls: writePair(trustedCertificate()) }
    const limits = { headSeconds: 1 }
    const secure = await startGatedSpy({ publicUrl: `https://localhost:${port}`, listen, limits })
    const silent = connect(port, '127.0.0.1').on('error', () => {}) // a reset is an answer, too
    await once(silent.resume(), 'close')
    await secure.close()
  })
})
