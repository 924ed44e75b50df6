import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { Agent, request } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { startPortcullis } from '../support/command.ts'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { freePort } from '../support/installation.ts'
import {
  makeCertificate,
  overwritePair,
  type PairFiles,
  type TestPair,
  trustedCertificate,
  writePair,
} from '../support/local-tls.ts'
import { until } from '../support/until.ts'

const metadataPath = '/.well-known/oauth-authorization-server'

const fingerprintOf = ({ cert }: TestPair): string => new X509Certificate(cert).fingerprint256

/** What a new connection is shown. */
async function shown(port: number, options: object = {}): Promise<{ fingerprint: string; version: string }> {
  const socket = connect({ port, servername: 'localhost', rejectUnauthorized: false, ...options })
  try {
    await once(socket, 'secureConnect')
    const { fingerprint256: fingerprint } = socket.getPeerCertificate()
    return { fingerprint, version: socket.getProtocol() ?? '' }
  } finally {
    socket.destroy()
  }
}

interface Reply {
  readonly status: number | undefined
  readonly body: string
  readonly socket: TLSSocket
}

/** Sends a request over the connections of an agent. */
function send(agent: Agent, url: string, init: { headers?: object; body?: string } = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { body } = init
    const method = body === undefined ? 'GET' : 'POST'
    const sent = request(url, { agent, method, headers: { ...init.headers } }, (response) => {
      let text = ''
      const socket = response.socket as TLSSocket
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => resolve({ status: response.statusCode, body: text, socket }))
    })
    sent.on('error', reject).end(body)
  })
}

describe('a gateway with a certificate of its own', { timeout: 120_000 }, () => {
  const [first, second] = [trustedCertificate(), makeCertificate()]
  let gate: GatedSpy
  let files: PairFiles
  let port: number
  let token: string
  before(async () => {
    port = await freePort()
    files = writePair(first)
    gate = await startGatedSpy({
      publicUrl: `https://localhost:${port}`,
      listen: { gateway: port, tls: files },
    })
    token = await gate.tokenFor('mcp:tools:read')
  })
  after(() => gate.close())

  const inUse = async (): Promise<string> => (await shown(port)).fingerprint

  it('speaks TLS on the public port alone, and writes https everywhere (B3, D6)', async () => {
    const { url, gatewayUrl, adminUrl, authorizationServerUrl } = gate.installation
    assert.equal(gatewayUrl, `https://127.0.0.1:${port}`)
    assert.equal((await fetch(`${adminUrl}/healthz`)).status, 200)
    assert.match(authorizationServerUrl, /^http:\/\/127\.0\.0\.1:/)
    const metadata = await (await fetch(url + metadataPath)).text()
    for (const [, address = ''] of metadata.matchAll(/"(https?:[^"]*)"/g)) {
      assert.ok(address.startsWith(url), address)
    }
    const refused = await gate.post(legacyRequest('tools/list'))
    assert.equal(refused.status, 401)
    const where = `resource_metadata="${url}/.well-known/oauth-protected-resource/mcp"`
    assert.ok(refused.headers.get('www-authenticate')?.includes(where))
    assert.equal((await gate.post(legacyRequest('tools/list'), { token })).status, 200)
  })

  it('speaks no plain http (B3)', async () => {
    assert.equal((await shown(port)).version, 'TLSv1.3')
    assert.equal((await shown(port, { maxVersion: 'TLSv1.2' })).version, 'TLSv1.2')
    const plain = connectTcp(port)
    plain.on('error', () => {}) // a reset is an answer, too
    plain.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    let answer = ''
    plain.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')))
    await once(plain, 'close')
    assert.doesNotMatch(answer, /HTTP/)
  })

  it('takes up a new one without dropping a request or a connection', async (test) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: [first.cert, second.cert] })
    const running = new Agent({ keepAlive: true, maxSockets: 1, ca: [first.cert, second.cert] })
    test.after(() => {
      for (const one of [agent, running]) one.destroy()
    })
    const { url, mcpUrl } = gate.installation
    const kept = await send(agent, url + metadataPath)
    let held: ServerResponse | undefined
    const { answer } = gate.spy
    gate.spy.answerWith((_request, res) => {
      res.writeHead(200, { 'content-type': 'application/json' })
      res.write('{"jsonrpc":"2.0",')
      held = res
    })
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    }
    const body = JSON.stringify(legacyRequest('tools/list'))
    const underWay = send(running, mcpUrl, { headers, body })
    await until(() => held !== undefined)

    overwritePair(files, second)
    await until(async () => (await inUse()) === fingerprintOf(second))
    assert.equal((await send(new Agent({ ca: second.cert }), url + metadataPath)).status, 200)
    assert.equal((await shown(port, { maxVersion: 'TLSv1.2' })).version, 'TLSv1.2')

    held?.end('"id":7,"result":{"tools":[]}}')
    gate.spy.answerWith(answer)
    const { status, body: text } = await underWay
    assert.deepEqual([status, JSON.parse(text)], [200, { jsonrpc: '2.0', id: 7, result: { tools: [] } }])
    const again = await send(agent, url + metadataPath)
    assert.equal(again.status, 200)
    assert.equal(again.socket, kept.socket, 'the same connection')
    assert.equal(again.socket.getPeerCertificate().fingerprint256, fingerprintOf(first))
    assert.match(gate.installation.log(), /the new certificate in .*cert\.pem is in use, valid until/)
  })

  it('keeps the old one while the new one is bad, and says why', async () => {
    const old = await inUse()
    const elsewhere = makeCertificate({ names: 'DNS:elsewhere.example' })
    const ways: [TestPair, RegExp][] = [
      [{ ...first, key: elsewhere.key }, /listen\.tls\.key: the key in .* does not belong/],
      [elsewhere, /listen\.tls\.certificate: .* covers elsewhere\.example, not localhost/],
    ]
    for (const [bad, expected] of ways) {
      overwritePair(files, bad)
      await until(() => expected.test(gate.installation.log()))
      assert.equal(await inUse(), old)
    }
    const refusals = gate.installation.log().match(/is not used, the old one still is/g)
    assert.equal(refusals?.length, ways.length, 'a line for each')
    overwritePair(files, first)
    await until(async () => (await inUse()) === fingerprintOf(first))
  })
})

const weakCiphers = 'DEFAULT@SECLEVEL=0'

async function refusesOldTls(port: number): Promise<void> {
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: weakCiphers }
  await assert.rejects(shown(port, old), /alert protocol version/)
  assert.equal((await shown(port, { ...old, maxVersion: 'TLSv1.2' })).version, 'TLSv1.2')
}

describe('portcullis serve with a certificate', () => {
  it('says so, takes up a new one on SIGHUP, and speaks nothing older than TLS 1.2 (B3)', {
    timeout: 60_000,
  }, async (test) => {
    const [first, second] = [makeCertificate({ days: 3 }), makeCertificate()]
    const files = writePair(first)
    const [folder, port] = [mkdtempSync(join(tmpdir(), 'portcullis-cli-')), await freePort()]
    const config = join(folder, 'portcullis.yaml')
    const listen = JSON.stringify({ gateway: port, authorizationServer: 0, admin: 0, tls: files })
    const upstreams = '[{ name: a, url: http://127.0.0.1:9/mcp }]'
    writeFileSync(
      config,
      `mode: production\npublicUrl: https://localhost:${port}\ndata: ${folder}\nlog: { format: text }\nlisten: ${listen}\nupstreams: ${upstreams}\n`,
    )
    // Node itself would speak everything.
    const env = { NODE_OPTIONS: `--tls-min-v1.0 --tls-cipher-list=${weakCiphers}` }
    const running = await startPortcullis(test, ['serve', '-c', config], env)
    await refusesOldTls(port)
    assert.match(running.output(), new RegExp(`gateway +https://localhost:${port} `))
    assert.match(running.output(), /certificate +.*cert\.pem, valid until \d{4}-\d\d-\d\d/)
    await until(() => /WARN.* expires in 2 days .*renew it/.test(running.output()))

    running.process.kill('SIGHUP')
    await until(() => /has not changed: it is in use/.test(running.output()))
    overwritePair(files, { ...second, key: first.key })
    running.process.kill('SIGHUP')
    await until(() => /is not used.*does not belong to the certificate/.test(running.output()))
    assert.equal((await shown(port)).fingerprint, fingerprintOf(first))
    overwritePair(files, second)
    running.process.kill('SIGHUP')
    await until(async () => (await shown(port)).fingerprint === fingerprintOf(second))
    await refusesOldTls(port)
    running.process.kill('SIGTERM')
    assert.equal(await running.exit, 0)
  })
})
