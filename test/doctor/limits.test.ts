import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import { createAsk } from '../../src/doctor/ask.ts'
import { type BrokenServer, startBrokenServer } from '../fixtures/broken-server.ts'
import type { Fault } from '../fixtures/faults.ts'
import { approvingUser, examineServer, login } from '../support/examination.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { listen } from '../support/listen.ts'

async function start(test: TestContext, ...faults: Fault[]): Promise<BrokenServer> {
  const server = await startBrokenServer(...faults)
  test.after(() => server.close())
  return server
}

const requestMs = 1000

/** Starts a server that is silent somewhere. A request is out of time when it has come there, and no other is. */
async function startSilent(test: TestContext, fault: Fault): Promise<BrokenServer> {
  const server = await start(test, fault)
  let running = new AbortController()
  test.mock.method(AbortSignal, 'timeout', (milliseconds: number) => {
    assert.equal(milliseconds, requestMs)
    running = new AbortController()
    return running.signal
  })
  server.onSilence = () => running.abort(new DOMException('its time is over', 'TimeoutError'))
  return server
}

describe('doctor', () => {
  it('shows no secret, even where a server repeats what it was sent (B4)', async (test) => {
    const { mcpUrl: url } = await start(test, 'echoes-secrets', 'refresh-refused')
    let code = ''
    const user = async (authorizationUrl: string): Promise<void> => {
      const callback = (await new FormBrowser().visit(authorizationUrl)) as URL
      code = callback.searchParams.get('code') as string
      await fetch(callback)
    }
    const { findings, of } = await examineServer(url, { credentials: login, user })
    const shown = JSON.stringify(findings)
    assert.match(of('refresh').cause ?? '', /refresh_token=\[hidden\]/)
    assert.match(of('code-once').detail ?? '', /code=\[hidden\]&code_verifier=\[hidden\]/)
    assert.notEqual(code, '')
    assert.ok(!shown.includes(code))

    const machine = { kind: 'machine', clientId: 'machine', clientSecret: 'not-the-machine-secret' } as const
    const wrong = await examineServer(url, { credentials: machine })
    assert.equal(wrong.of('token-machine').mark, 'failed')
    const encoded = Buffer.from('machine:not-the-machine-secret').toString('base64')
    assert.ok(!JSON.stringify(wrong.findings).includes(encoded))
    assert.match(wrong.of('token-machine').cause ?? '', /Basic \[hidden\]/)
  })

  it('takes control characters of a server out of what it shows', async (test) => {
    const server = createServer((_req, res) => {
      res.writeHead(400, { 'Content-Type': 'application/json' })
      res.end(JSON.stringify({ error: '\u001b]0;gone\u0007\u001b[2Jall is well' }))
    })
    const { url } = await listen(server, test)
    const { findings, of } = await examineServer(`${url}/mcp`)
    assert.equal(of('challenge-status').mark, 'failed')
    const shown = findings.map(({ cause }) => cause ?? '').join('')
    assert.match(shown, /all is well/)
    assert.ok(!shown.includes('\u001b') && !shown.includes('\u0007'))
  })

  it('gives up reading a body without end', async (test) => {
    const { of } = await examineServer((await start(test, 'endless')).mcpUrl, { credentials: login })
    assert.match(of('call-open').cause ?? '', /200 application\/json/)
  })

  it('gives up waiting for an answer, and goes on', async (test) => {
    const { of } = await examineServer((await startSilent(test, 'silent-token-endpoint')).mcpUrl, {
      requestMs,
    })
    assert.match(of('client-unknown').cause ?? '', /no answer in time/)
    assert.equal(of('token-forged').mark, 'passed')
  })

  it('takes no answer for no proof', async (test) => {
    const { of } = await examineServer((await startSilent(test, 'silent-authorize')).mcpUrl, { requestMs })
    assert.match(of('login-page').cause ?? '', /no answer in time/)
    for (const check of ['login-frame', 'login-cors', 'login-pkce', 'redirect-wrong'] as const) {
      assert.equal(of(check).mark, 'skipped', check)
    }
  })

  it('gives up when the time for everything is used up', async (test) => {
    const { mcpUrl: url } = await start(test, 'silent-token-endpoint')
    const ask = createAsk({ requestMs: 5000, totalMs: 100, bodyBytes: 1000 }, undefined)
    const origin = new URL(url).origin
    assert.equal((await ask(`${origin}/token`)).problem, 'no answer in time')
    assert.match((await ask(url)).problem ?? '', /the time for the whole run is used up/)
  })

  it('gives up waiting for a user', async (test) => {
    const { mcpUrl: url } = await start(test)
    const credentials = { kind: 'login', waitMs: 50 } as const
    const { of } = await examineServer(url, { credentials, user: async () => undefined })
    assert.match(of('login-answer').cause ?? '', /nobody came back/)
    assert.equal(of('token-code').mark, 'skipped')
  })

  it('refuses an answer with the state of somebody else (P8)', async (test) => {
    const user = async (authorizationUrl: string): Promise<void> => {
      const changed = new URL(authorizationUrl)
      changed.searchParams.set('state', 'another')
      await approvingUser(changed.href)
    }
    const { of } = await examineServer((await start(test)).mcpUrl, { credentials: login, user })
    assert.match(of('login-answer').cause ?? '', /`state` came back changed/)
    assert.equal(of('token-code').mark, 'skipped')
  })

  it('says that a certificate is the trouble, and skips what depends on it (B3)', async (test) => {
    const url = (await start(test)).mcpUrl.replace('http:', 'https:')
    const { of, withMark } = await examineServer(url)
    assert.match(of('certificate').cause ?? '', /no TLS is spoken there/)
    assert.deepEqual(withMark('failed'), ['certificate'])
    assert.ok(withMark('skipped').length > 20)
    assert.deepEqual(withMark('passed'), ['address'])
  })
})
