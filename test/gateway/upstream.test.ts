import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, afterEach, before, describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { connectAuto } from '../support/auto-client.ts'
import { readDevelopmentToken } from '../support/command.ts'
import { type GatedSpy, legacyRequest, modernRequest, startGatedSpy } from '../support/gated-spy.ts'
import { freePort, startInstallation } from '../support/installation.ts'
import { echo } from '../support/spy-upstream.ts'
import { until } from '../support/until.ts'

let gate: GatedSpy
let token: string
before(async () => {
  gate = await startGatedSpy()
  token = await gate.tokenFor('mcp:*')
})
after(() => gate.close())
afterEach(() => gate.spy.answerWith(echo))

const list = legacyRequest('tools/list')

describe('what reaches the MCP server', () => {
  it('is the very body that was authorized', async () => {
    const text =
      '{ "id":7,\n "jsonrpc":"2.0", "method":"tools/call","params":{"name":"add","arguments":{"n":1.0e2,"big":12345678901234567890}}}'
    await gate.post(text, { token })
    assert.equal(gate.spy.seen.at(-1)?.body, text)
  })

  it('holds nothing of the client but what a server may see (A10, V4, X10)', async () => {
    await gate.post(list, {
      token,
      headers: {
        cookie: 'session=1',
        dpop: 'proof',
        forwarded: 'for=1.2.3.4',
        'x-forwarded-for': '1.2.3.4',
        'x-forwarded-host': 'evil.example',
        'x-real-ip': '1.2.3.4',
        'x-user': 'admin',
        'x-api-key': 'k',
        'proxy-authorization': 'Basic x',
        'accept-language': 'de',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        'mcp-param-region': 'eu',
      },
    })
    const { headers } = gate.spy.seen.at(-1)!
    const allowed = [
      'accept',
      'accept-language',
      'authorization',
      'connection',
      'content-length',
      'content-type',
      'host',
      'mcp-param-region',
      'traceparent',
      'user-agent',
    ]
    assert.deepEqual(Object.keys(headers).toSorted(), allowed)
    assert.notEqual(headers.authorization, `Bearer ${token}`)
    assert.equal(headers.host, new URL(gate.spy.url).host)
  })

  it('says who calls in a token of the gateway', async () => {
    const mine = await gate.tokenFor('mcp:tools:read mcp:prompts:list', 'ada')
    await gate.post(list, { token: mine })
    const identity = gate.spy.seen.at(-1)!.headers.authorization!.replace('Bearer ', '')
    const keys = createRemoteJWKSet(new URL(`${gate.installation.url}/gateway/jwks`))
    const { payload, protectedHeader } = await jwtVerify(identity, keys, {
      issuer: `${gate.installation.url}/gateway`,
      audience: gate.spy.url,
      typ: 'portcullis-identity+jwt',
    })
    assert.equal(payload.sub, 'ada')
    assert.deepEqual(payload['sub_id'], { format: 'iss_sub', iss: gate.installation.url, sub: 'ada' })
    assert.equal(payload['client_id'], 'user-client')
    assert.equal(payload['scope'], 'mcp:tools:read mcp:prompts:list')
    assert.ok((payload.exp ?? 0) - (payload.iat ?? 0) <= 300)
    assert.equal(protectedHeader.alg, 'ES256')
    assert.equal((await gate.post(list, { token: identity })).status, 401, 'it is no access token')
    await gate.post(list, { token: mine })
    assert.equal(gate.spy.seen.at(-1)!.headers.authorization, `Bearer ${identity}`, 'minted once')
  })
})

describe('an MCP server that answers wrongly (A11, A71, N24)', () => {
  const answers: [string, (res: ServerResponse) => void, number, number][] = [
    [
      'with 401 and a challenge of its own',
      (res) => res.writeHead(401, { 'www-authenticate': 'Bearer realm="evil"', 'set-cookie': 'a=b' }).end(),
      502,
      502,
    ],
    [
      'with 407, as if its proxy were the client’s',
      (res) => res.writeHead(407, { 'content-type': 'application/json' }).end('{"jsonrpc":"2.0","id":7}'),
      502,
      502,
    ],
    [
      'with a redirect',
      (res) =>
        res
          .writeHead(307, { location: 'http://evil.example/', 'content-type': 'application/json' })
          .end('{}'),
      502,
      502,
    ],
    ['with a page', (res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<p>hello'), 502, 502],
    [
      'with a page and 500',
      (res) => res.writeHead(500, { 'content-type': 'text/html' }).end('<p>stack trace'),
      502,
      502,
    ],
    ['with no HTTP', (res) => void res.socket?.end('nonsense\r\n\r\n'), 502, 502],
    ['by hanging up', (res) => void res.socket?.destroy(), 502, 502],
    ['not at all', () => {}, 504, 504],
  ]
  for (const [what, answer, status, code] of answers) {
    it(`${what}: ${status}`, async () => {
      gate.spy.answerWith((_request, res) => answer(res))
      const answered = await gate.post(list, { token })
      assert.equal(answered.status, status, answered.text)
      assert.equal(answered.json.error?.code, code)
      assert.equal(answered.json.id, 7)
      assert.equal(answered.headers.get('www-authenticate'), null)
      assert.equal(answered.headers.get('set-cookie'), null)
      gate.spy.answerWith(echo)
      assert.equal((await gate.post(list, { token })).status, 200, 'the gateway lives on')
    })
  }

  for (const status of [408, 425, 429]) {
    it(`with ${status}: 503, which is no sign of an era, and when to come again (A70)`, async () => {
      gate.spy.answerWith((_request, res) => {
        const headers = { 'content-type': 'application/json', 'retry-after': '7' }
        res.writeHead(status, headers).end('{"error":"slow down"}')
      })
      const answer = await gate.post(list, { token })
      assert.deepEqual([answer.status, answer.json.error?.data['code']], [503, 'upstream_busy'])
      assert.equal(answer.headers.get('retry-after'), '7')
      const { asked, isConnected } = await connectAuto(gate.installation.mcpUrl, token)
      assert.equal(isConnected, false)
      assert.ok(asked.includes('server/discover') && !asked.includes('initialize'), asked.join(' '))
    })
  }

  it('may accept with 200 what has no answer, but nothing that has one (O3)', async () => {
    gate.spy.answerWith((_request, res) => res.writeHead(200, { 'content-type': 'text/plain' }).end('OK'))
    const told = { jsonrpc: '2.0', method: 'notifications/initialized' }
    const headers = { 'mcp-protocol-version': '2025-03-26' }
    for (const accepted of [told, [told, told]])
      assert.equal((await gate.post(accepted, { token, headers })).status, 202)
    for (const asked of [list, [told, list]])
      assert.equal((await gate.post(asked, { token, headers })).status, 502)
  })

  it('has its JSON-RPC errors passed on, and no header that is not its business', async () => {
    gate.spy.answerWith((_request, res) => {
      const headers = {
        'content-type': 'application/json',
        'set-cookie': 'a=b',
        'access-control-allow-origin': '*',
        server: 'x',
      }
      res
        .writeHead(400, headers)
        .end('{"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"no such tool"}}')
    })
    const answer = await gate.post(list, { token })
    assert.equal(answer.status, 400)
    assert.equal(answer.json.error?.message, 'no such tool')
    for (const name of ['set-cookie', 'access-control-allow-origin', 'server'])
      assert.equal(answer.headers.get(name), null)
  })

  it('that is down: 502, and the reason in the log alone', async () => {
    const url = `http://127.0.0.1:${await freePort()}/mcp`
    const installation = await startInstallation({ config: { upstreams: [{ name: 'down', url }] } })
    const response = await fetch(installation.mcpUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${await readDevelopmentToken(installation)}`,
      },
      body: JSON.stringify(list),
    })
    assert.equal(response.status, 502)
    assert.doesNotMatch(await response.text(), /ECONNREFUSED/)
    assert.match(installation.log(), /ECONNREFUSED/)
    await installation.close()
  })
})

describe('streams', () => {
  const event = (text: string): string => `event: message\ndata: ${text}\n\n`
  const last = event('{"jsonrpc":"2.0","id":7,"result":{}}')

  async function open(
    body: unknown,
    headers: Record<string, string> = {},
    signal?: AbortSignal,
  ): Promise<Response> {
    return fetch(gate.installation.mcpUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    })
  }

  it('reach the client event by event, unbuffered (O15)', async () => {
    let finish = (): void => {}
    gate.spy.answerWith((_request, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write(event('1'))
      finish = () => res.end(last)
    })
    const response = await open(list)
    assert.equal(response.headers.get('x-accel-buffering'), 'no')
    const reader = response.body!.getReader()
    const first = await reader.read()
    assert.equal(Buffer.from(first.value).toString(), event('1'), 'before the server has finished')
    finish()
    assert.equal(Buffer.from((await reader.read()).value).toString(), last)
    assert.ok((await reader.read()).done)
  })

  it('are cancelled at the server when a modern client goes away, not when a legacy one does (O14, A37)', async () => {
    /** Lets a client go away from a stream that goes on, and returns its end at the server. */
    const leave = async (headers: Record<string, string>, body: unknown): Promise<ServerResponse> => {
      const client = new AbortController()
      const { promise: streaming, resolve } = Promise.withResolvers<ServerResponse>()
      gate.spy.answerWith((_request, res) => {
        res.writeHead(200, { 'content-type': 'text/event-stream' }).write(event('1'))
        resolve(res)
      })
      const over = (): number => gate.installation.log().split('"kind":"mcp"').length
      const earlier = over()
      await open(body, headers, client.signal)
      client.abort()
      await until(() => over() > earlier, 'the gateway has seen it leave')
      return streaming
    }
    const { body, headers } = modernRequest('tools/list')
    const cancelled = await leave(headers, body)
    await until(() => cancelled.closed, 'the server sees it')
    assert.equal(cancelled.writableFinished, false)
    const kept = await leave({}, list)
    gate.spy.answerWith(echo)
    await gate.post(list, { token }) // by now, the server would have seen it
    assert.equal(kept.closed, false)
    kept.end(last)
    await until(() => kept.closed)
    assert.equal(kept.writableFinished, true)
  })

  it('of others are not ended by a message with their id, in the modern era or without a session (A30, A37)', async () => {
    const earlier = gate.spy.seen.length
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } }
    for (const headers of [{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': cancel.method }, {}]) {
      const answer = await gate.post(cancel, { token, headers })
      assert.deepEqual([answer.status, answer.text], [202, ''])
    }
    assert.equal(gate.spy.seen.length, earlier, 'the server hears nothing of it')
  })

  it('of others are not ended from within a batch, of which the rest arrives (A37)', async () => {
    const earlier = gate.spy.seen.length
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } }
    const call = legacyRequest('tools/call', { name: 'a', arguments: { number: 1 } })
    await gate.post([cancel, call, cancel], { token, headers: { 'mcp-protocol-version': '2025-03-26' } })
    const bodies = gate.spy.seen.slice(earlier).map(({ body }) => body)
    assert.deepEqual(bodies, [JSON.stringify([call])])
  })

  it('hold the server back when the client does not read', async () => {
    const flow = { written: 0, stopped: false }
    gate.spy.answerWith((_request, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      const pump = (): void => {
        do flow.written += 65_536
        while (!flow.stopped && res.write(event('x'.repeat(65_536))))
        if (!flow.stopped) res.once('drain', pump)
      }
      pump()
    })
    const response = await open(list)
    const most = 64 * 1024 * 1024
    await until(async () => {
      const earlier = flow.written
      await wait(500)
      return flow.written === earlier || flow.written > most
    }, 'the flow has stopped')
    assert.ok(flow.written <= most, `${flow.written} bytes went into a client that reads none`)
    flow.stopped = true
    await response.body!.cancel()
  })

  it('carry a large answer unchanged', async () => {
    const large = JSON.stringify({ jsonrpc: '2.0', id: 7, result: { text: 'ü'.repeat(1_000_000) } })
    gate.spy.answerWith((_request, res) =>
      res.writeHead(200, { 'content-type': 'application/json' }).end(large),
    )
    assert.equal((await gate.post(list, { token })).text, large)
  })
})
