import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { portcullis, startPortcullis } from '../support/command.ts'
import { freePort } from '../support/installation.ts'
import { listen } from '../support/listen.ts'
import { makeCertificate, writePair } from '../support/local-tls.ts'
import { until } from '../support/until.ts'

it('a server whose certificate only the operator trusts is reached with NODE_EXTRA_CA_CERTS, and never without', {
  timeout: 60_000,
}, async (test) => {
  const pair = makeCertificate()
  const server = await listen(
    createServer(pair, (req, res) => {
      req.resume()
      res.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc":"2.0","id":1,"result":{}}')
    }),
  )
  test.after(() => server.close())
  const upstream = `https://localhost:${new URL(server.url).port}/mcp`
  for (const [trusted, status] of [
    [false, 502],
    [true, 200],
  ] as const) {
    const [data, port] = [mkdtempSync(join(tmpdir(), 'portcullis-authority-')), await freePort()]
    const env: Record<string, string> = trusted ? { NODE_EXTRA_CA_CERTS: writePair(pair).certificate } : {}
    const args = ['run', '--port', String(port), '--data', data, '--upstream', upstream]
    const running = await startPortcullis(test, args, env)
    const { stdout } = await portcullis(['token', '--data', data, '--scope', 'mcp:*'])
    const answer = await fetch(`http://127.0.0.1:${port}/mcp`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${stdout.trim()}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    })
    assert.equal(answer.status, status, await answer.text())
    if (!trusted)
      await until(() => /upstream_unreachable: .*certificate/.test(running.output()), 'the log says why')
  }
})
