import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { it, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { type Messages, post } from '../support/era-calls.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import { OAuthClient } from '../support/oauth.ts'
import { startReplicas } from '../support/replicas.ts'
import { echo, startSpyUpstream } from '../support/spy-upstream.ts'

/** Gives one request after the other to each of several servers in turn. */
async function startRoundRobin(test: TestContext): Promise<{ url: string; targets: string[] }> {
  const targets: string[] = []
  let turn = 0
  const server = createServer((req, res) => {
    const target = targets[turn++ % targets.length] as string
    const onward = request(target + req.url, { method: req.method, headers: req.headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      answer.pipe(res)
    })
    onward.once('error', () => res.destroy())
    req.pipe(onward)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  test.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, targets }
}

it('login, tokens, sessions and revocations hold whichever replica gets a request (A72)', {
  timeout: 120_000,
}, async (test) => {
  const spy = await startSpyUpstream()
  test.after(() => spy.close())
  spy.answerWith((seen, res) => {
    if (seen.body.includes('"initialize"')) res.setHeader('mcp-session-id', 'the-servers-own')
    echo(seen, res)
  })
  const front = await startRoundRobin(test)
  const { all } = await startReplicas(test, 2, {
    publicUrl: front.url,
    upstreams: [{ name: 'spy', url: spy.url, transport: 'streamable-http', era: 'legacy' }],
  })
  front.targets.push(...all.map(({ url }) => url))

  const mcpUrl = `${front.url}/mcp`
  const oauth = new OAuthClient(front.url)
  let tokens = await oauth.signIn({ scope: 'mcp:*' }, new FormBrowser({ fill: { name: 'ada' } }))
  const opening = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } }
  const opened = await post(mcpUrl, tokens.access_token, legacyRequest('initialize', opening))
  const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
  assert.notEqual(session['mcp-session-id'], '')
  const list = (token: string): Promise<Messages> =>
    post(mcpUrl, token, legacyRequest('tools/list'), { headers: session })

  for (let round = 0; round < 3; round++) {
    const statuses = [await list(tokens.access_token), await list(tokens.access_token)].map(
      ({ status }) => status,
    )
    assert.deepEqual(statuses, [200, 200])
    const refreshed = await oauth.refresh(tokens.refresh_token)
    assert.equal(refreshed.status, 200)
    tokens = refreshed.body
    // One request more, so that it is the other one's turn in the next round.
    assert.equal((await fetch(`${front.url}/gateway/jwks`)).status, 200)
  }
  assert.ok(
    spy.seen.slice(1).every(({ headers }) => headers['mcp-session-id'] === 'the-servers-own'),
    'the server knows the session whoever asks',
  )

  await oauth.token({ token: tokens.refresh_token, client_id: oauth.clientId }, { path: '/revoke' })
  let refused: number[] = []
  for (let attempt = 0; attempt < 100 && refused.join() !== '401,401'; attempt++) {
    await wait(50)
    refused = [(await list(tokens.access_token)).status, (await list(tokens.access_token)).status]
  }
  assert.deepEqual(refused, [401, 401])
})
