import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { type Running, start } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load.ts'
import { freePort } from '../support/installation.ts'
import { type Listening, listen } from '../support/listen.ts'
import { until } from '../support/until.ts'

/** In the place of the authorization server, which another process runs: takes requests and answers none. */
let elsewhere: Listening
let running: Running
let data: string
let log = ''
before(async () => {
  elsewhere = await listen(createServer((req) => void req.socket.destroy()))
  data = await mkdtemp(join(tmpdir(), 'portcullis-test-'))
  const gateway = await freePort()
  const base = {
    data,
    publicUrl: `http://127.0.0.1:${gateway}`,
    listen: { gateway, authorizationServer: elsewhere.port, admin: 0 },
    upstreams: [{ name: 'test', path: '/mcp', url: 'http://127.0.0.1:9/mcp' }],
  }
  const logTo = new Writable({
    write(chunk: Buffer, _encoding, done) {
      log += chunk.toString()
      done()
    },
  })
  running = await start(loadConfig({ base }), { parts: ['gateway'], logTo })
})
after(async () => {
  await running.close()
  await elsewhere.close()
  await rm(data, { recursive: true, force: true })
})

const ask = (path: string, init: RequestInit = {}): Promise<Response> => fetch(running.publicUrl + path, init)

async function checkAway(response: Response): Promise<void> {
  assert.equal(response.status, 503)
  assert.equal(response.headers.get('retry-after'), '5')
  assert.equal(response.headers.get('cache-control'), 'no-store')
  const body = (await response.json()) as Record<string, string>
  assert.equal(body['error'], 'temporarily_unavailable')
  assert.equal(
    body['error_description'],
    `The authorization server cannot be reached at the moment (request ${response.headers.get('x-request-id')})`,
  )
}

describe('an authorization server that does not answer the gateway', () => {
  it('is told of as OAuth has it, also to the page of another origin (N24)', async () => {
    const headers = { origin: 'http://127.0.0.1:6274' }
    const form = { method: 'POST', headers, body: new URLSearchParams({ grant_type: 'refresh_token' }) }
    const response = await ask('/token', form)
    assert.equal(response.headers.get('access-control-allow-origin'), headers.origin)
    await checkAway(response)
  })

  it('is told of to a person on a page', async () => {
    const response = await ask('/authorize?client_id=https://x.example/.well-known/client', {
      headers: { accept: 'text/html,*/*;q=0.8' },
    })
    assert.equal(response.status, 503)
    assert.equal(response.headers.get('retry-after'), '5')
    assert.equal(response.headers.get('cache-control'), 'no-store')
    assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8')
    assert.match(response.headers.get('content-security-policy') ?? '', /^default-src 'none'/)
    const page = await response.text()
    assert.match(page, /<h1>The sign-in cannot be reached<\/h1>/)
    assert.match(page, /The authorization server cannot be reached at the moment\./)
    assert.ok(page.includes(`Request ${response.headers.get('x-request-id')}`))
  })

  it('is told of where nobody listens any more; the reason is for the operator', async () => {
    await elsewhere.close()
    await checkAway(await ask('/.well-known/oauth-authorization-server'))
    // No page where programs alone look, whatever they accept.
    const accept = 'text/html,*/*;q=0.8'
    await checkAway(await ask('/.well-known/oauth-authorization-server', { headers: { accept } }))
    await until(() => /authorization_server_away.*ECONNREFUSED/.test(log), 'the log tells why')
    assert.doesNotMatch(log, /MCP server/)
  })

  it('is looked for at an address of IPv6 as at any other', async () => {
    const [gateway, authorizationServer] = [await freePort(), await freePort()]
    const base = {
      data,
      publicUrl: `http://127.0.0.1:${gateway}`,
      listen: { gateway, authorizationServer, host: '127.0.0.1', internalHost: '::1', admin: 0 },
      upstreams: [{ name: 'test', path: '/mcp', url: 'http://127.0.0.1:9/mcp' }],
    }
    const other = await start(loadConfig({ base }), { parts: ['gateway'], logTo: new Writable({ write }) })
    try {
      await checkAway(await fetch(`${other.publicUrl}/jwks`))
    } finally {
      await other.close()
    }
  })
})

function write(_chunk: Buffer, _encoding: string, done: () => void): void {
  done()
}
