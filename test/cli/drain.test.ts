import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { portcullis, startPortcullis } from '../support/command.ts'
import { post, tokenFor } from '../support/era-calls.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import { freePort } from '../support/installation.ts'
import { type ServedFile, serveFile } from '../support/served-file.ts'
import { echo, startSpyUpstream } from '../support/spy-upstream.ts'
import { until } from '../support/until.ts'

const list = legacyRequest('tools/list')

async function startGate(test: { after(close: () => unknown): void }): Promise<{
  gate: ServedFile
  waiting: (() => void)[]
  /** The port of its successor. */
  next: number
}> {
  const spy = await startSpyUpstream()
  test.after(() => spy.close())
  const waiting: (() => void)[] = []
  spy.answerWith((request, res: ServerResponse) => {
    if (request.method === 'GET')
      return res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    if (request.body.includes('"initialize"')) res.setHeader('mcp-session-id', 'session-of-the-server')
    if (request.body.includes('tools/list')) return waiting.push(() => echo(request, res))
    return echo(request, res)
  })
  const [gateway, next] = [await freePort(), await freePort()]
  const gate = await serveFile(test, {
    publicUrl: `http://127.0.0.1:${gateway}`,
    allowedHosts: [`127.0.0.1:${next}`],
    listen: { gateway, noticeSeconds: 3 },
    upstreams: [{ name: 'http', url: spy.url, transport: 'streamable-http', era: 'legacy' }],
  })
  return { gate, waiting, next }
}

/** A connection of a proxy, which knows the end of the process only when it reads it. */
function keepConnection(url: string): { socket: Socket; ask: (path: string) => Promise<string> } {
  const { port, host } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1')
  return {
    socket,
    async ask(path) {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      const [answer] = await once(socket, 'data')
      return String(answer)
    },
  }
}

describe('the end of portcullis serve', { timeout: 60_000 }, () => {
  it('is announced, lets what runs finish, and leaves nothing to those who come in between but the next process', async (test) => {
    const { gate, waiting, next: port } = await startGate(test)
    const url = `${gate.url}/mcp`
    const token = await tokenFor(url, 'ada')
    const initialize = legacyRequest('initialize', { protocolVersion: '2025-06-18', capabilities: {} })
    const opened = await post(url, token, initialize)
    const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') as string }
    const stream = await fetch(url, {
      headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream', ...session },
    })
    assert.equal(stream.status, 200)
    const [idle, late] = [keepConnection(gate.url), keepConnection(gate.url)]
    for (const { ask } of [idle, late]) await ask('/.well-known/oauth-protected-resource/mcp')
    const idleClosed = once(idle.socket, 'close')
    const running = post(url, token, list, { headers: session })
    await until(() => waiting.length > 0, 'the call has reached the server')
    const probe = async (path: string): Promise<[number, unknown]> => {
      const answer = await fetch(gate.adminUrl + path)
      return [answer.status, await answer.json()]
    }
    assert.equal((await probe('/readyz'))[0], 200)

    // Its successor, over the same store: there before, since a slow start takes longer than an end.
    await startPortcullis(
      test,
      ['serve', '-c', gate.file, '--port', String(port)],
      { PORTCULLIS_LISTEN_ADMIN: String(await freePort()) },
      '"msg":"ready"',
    )
    gate.started.process.kill('SIGTERM')
    await until(async () => (await probe('/readyz'))[0] === 503, 'the end is announced')
    assert.equal(
      (await post(url, token, initialize)).status,
      200,
      'those who have not heard are still served',
    )
    assert.deepEqual(await probe('/readyz'), [503, { status: 'not ready', reason: 'it is ending' }])
    assert.equal((await probe('/healthz'))[0], 200)

    assert.equal((await post(`http://127.0.0.1:${port}/mcp`, token, initialize)).status, 200)

    await until(
      () =>
        fetch(url)
          .then(() => false)
          .catch(() => true),
      'nothing listens any more',
    )
    assert.match(await late.ask('/.well-known/oauth-authorization-server'), /^connection: close/im)
    await idleClosed
    assert.match(await stream.text(), /^(?:: \n\n)*$/, 'the stream has ended, and was not cut off')
    assert.equal((await probe('/healthz'))[0], 200)
    assert.equal((await probe('/readyz'))[0], 503)
    waiting[0]?.()
    assert.equal((await running).status, 200)
    assert.equal(await gate.started.exit, 0)
  })
})

describe('portcullis serve --only authorization-server', { timeout: 30_000 }, () => {
  it('is refused where there is none to start', async (test) => {
    const data = await mkdtemp(join(tmpdir(), 'portcullis-external-'))
    test.after(() => rm(data, { recursive: true, force: true }))
    const file = join(data, 'portcullis.yaml')
    const issuer = 'http://127.0.0.1:9'
    const upstreams = [{ name: 'http', url: 'http://127.0.0.1:9/mcp' }]
    const issuers = [{ issuer, jwksUri: `${issuer}/keys` }]
    await writeFile(file, JSON.stringify({ data, upstreams, issuers, authorizationServer: 'external' }))
    const { code, stderr } = await portcullis(['serve', '-c', file, '--only', 'authorization-server'])
    assert.equal(code, 2)
    assert.match(
      stderr,
      /--only: there is no authorization server to start, since authorizationServer is external/,
    )
  })
})
