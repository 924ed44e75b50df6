import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { callModern, post } from '../support/era-calls.ts'
import { legacyRequest, modernRequest } from '../support/gated-spy.ts'
import {
  legacyScript,
  modernScript,
  opening,
  type Script,
  type ScriptedGate,
  startScripted,
} from '../support/scripted-upstream.ts'
import { until } from '../support/until.ts'

let gate: ScriptedGate
afterEach(() => gate.close())

const initialize = legacyRequest('initialize', { protocolVersion: '2025-06-18', capabilities: {} })

describe('a server of which nothing is known', () => {
  it('that speaks both eras is asked about each one once, and then gets the very bytes', async () => {
    gate = await startScripted({ ...legacyScript, 'server/discover': modernScript['server/discover']! })
    const token = await gate.token('ada')
    for (let count = 0; count < 2; count++)
      assert.equal((await callModern(gate.url, token, 'tools/list')).status, 200)
    assert.deepEqual(gate.methods(), ['server/discover', 'tools/list', 'tools/list'])
    assert.match(gate.installation.log(), /asked for the modern era, the server says yes/)
    const { body } = modernRequest('tools/list')
    assert.equal(gate.spy.seen.at(-1)?.body, JSON.stringify(body))

    assert.equal((await post(gate.url, token, initialize)).status, 200)
    assert.deepEqual(gate.methods().slice(3), ['initialize'])
    assert.match(gate.installation.log(), /asked for the legacy era, the server says yes/)
    assert.equal(gate.spy.seen.at(-1)?.body, JSON.stringify(initialize))
  })

  it('is left no session that was opened for the question only', async () => {
    gate = await startScripted(legacyScript)
    await callModern(gate.url, await gate.token('ada'), 'tools/list')
    await until(() => gate.methods().includes('DELETE'), 'the session of the question is left')
  })

  /** A server that opens one session, and no other. */
  const singleSession = (): Script => {
    let isGiven = false
    return {
      ...legacyScript,
      initialize(...asked) {
        if (isGiven)
          return { reply: true, status: 400, body: { error: { code: -32600, message: 'no more' } } }
        isGiven = true
        return legacyScript['initialize']!(...asked)
      },
    }
  }

  it('and that has only one session to give, gives it to the client', async () => {
    gate = await startScripted(singleSession())
    const token = await gate.token('ada')
    const { status, messages, headers } = await post(gate.url, token, initialize)
    assert.equal(status, 200)
    assert.equal(messages[0]?.result?.['protocolVersion'], '2025-06-18')
    const session = { headers: { 'mcp-session-id': headers.get('mcp-session-id') ?? '' } }
    assert.equal((await post(gate.url, token, legacyRequest('tools/list'), session)).status, 200)
    assert.deepEqual(gate.methods(), ['initialize', 'tools/list'])
  })

  it('and that has no session left to give, is not asked again and again by requests in the one that it gave', async () => {
    gate = await startScripted(singleSession())
    const token = await gate.token('ada')
    const { headers } = await post(gate.url, token, initialize)
    const session = { headers: { 'mcp-session-id': headers.get('mcp-session-id') ?? '' } }
    await gate.installation.restart() // as another replica, or when it is time to ask again
    for (let count = 0; count < 3; count++)
      assert.equal((await post(gate.url, token, legacyRequest('tools/list'), session)).status, 200)
    assert.deepEqual(
      gate.methods().filter((method) => method !== 'tools/list'),
      ['initialize', 'initialize', 'GET', 'server/discover'],
    )
    assert.match(gate.installation.log(), /asked for the legacy era, the server says yes/)
  })

  it('and that gives no session, is asked, and repeats what it says to the client', async () => {
    gate = await startScripted({
      ...legacyScript,
      initialize: () => ({ protocolVersion: '2025-06-18', ...opening }),
    })
    const { status, messages } = await post(gate.url, await gate.token('ada'), initialize)
    assert.equal(status, 200)
    assert.equal(messages.length, 1)
    assert.deepEqual(gate.methods(), ['initialize', 'initialize', 'initialize'])
  })

  it('and that names a session also where it opens none, is not taken for one of the legacy era', async () => {
    const headers = { 'mcp-session-id': 'none' }
    const refusal = { code: -32601, message: 'Method not found' }
    gate = await startScripted({
      ...modernScript,
      initialize: () => ({ reply: true, status: 404, headers, body: { error: refusal } }),
    })
    const { status, messages } = await post(gate.url, await gate.token('ada'), initialize)
    assert.equal(status, 200)
    assert.equal(messages[0]?.result?.['protocolVersion'], '2025-06-18', 'it is bridged')
  })

  it('is asked with the credential of the gateway, and with nothing of the client (A10)', async () => {
    gate = await startScripted(modernScript)
    const token = await gate.token('ada')
    await callModern(gate.url, token, 'tools/list')
    const { headers, body } = gate.spy.seen[0]!
    assert.match(headers['authorization'] ?? '', /^Bearer ey/)
    assert.notEqual(headers['authorization'], `Bearer ${token}`)
    assert.equal(headers['mcp-method'], 'server/discover')
    assert.match(body, /"name":"portcullis"/)
  })

  it('is asked once for many who come at the same time', async () => {
    gate = await startScripted(modernScript)
    const token = await gate.token('ada')
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => callModern(gate.url, token, 'tools/list')),
    )
    assert.ok(answers.every(({ status }) => status === 200))
    assert.equal(gate.methods().filter((method) => method === 'server/discover').length, 1)
  })

  it('may log and ping in the stream of its answer, before the answer', async () => {
    const hello = {
      jsonrpc: '2.0',
      method: 'notifications/message',
      params: { level: 'info', data: 'hello' },
    }
    gate = await startScripted({
      ...legacyScript,
      initialize: ({ id }) => ({
        reply: true,
        headers: { 'mcp-session-id': 'session-1' },
        stream: [
          hello,
          { id: 1, method: 'ping' },
          { id, result: { protocolVersion: '2025-06-18', capabilities: {} } },
        ],
      }),
    })
    const { status, messages } = await callModern(gate.url, await gate.token('ada'), 'server/discover')
    assert.equal(status, 200)
    assert.deepEqual(messages[0]?.result?.['supportedVersions'], ['2026-07-28'])
    assert.match(gate.installation.log(), /asked for the legacy era, the server says yes/)
  })

  it('may say how long clients shall wait before it names its endpoint', async () => {
    gate = await startScripted({})
    gate.spy.answerWith(({ method }, res) => {
      if (method !== 'GET') return res.writeHead(405).end()
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      return res.write('retry: 1000\n\nevent: endpoint\ndata: /post\n\n')
    })
    await post(gate.url, await gate.token('ada'), initialize)
    assert.match(gate.installation.log(), /asked for the legacy era, the server says yes, over HTTP\+SSE/)
  })

  it('may open its stream of HTTP+SSE for any method', async () => {
    gate = await startScripted({}, { responseSeconds: 1 })
    gate.spy.answerWith((_request, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write('event: endpoint\ndata: /post?session=1\n\n')
    })
    const token = await gate.token('ada')
    await post(gate.url, token, initialize)
    await callModern(gate.url, token, 'tools/list')
    assert.match(gate.installation.log(), /asked for the legacy era, the server says yes, over HTTP\+SSE/)
    assert.match(gate.installation.log(), /asked for the modern era, the server says no/)
  })

  it('is asked for its transport where only its era is configured', async () => {
    gate = await startScripted({}, { era: 'legacy' })
    gate.spy.answerWith(({ method }, res) => {
      if (method !== 'GET') return res.writeHead(405).end()
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      return res.write('event: endpoint\ndata: /post\n\n')
    })
    await post(gate.url, await gate.token('ada'), initialize)
    assert.match(gate.installation.log(), /asked for the legacy era, the server says yes, over HTTP\+SSE/)
    assert.doesNotMatch(gate.installation.log(), /asked for the modern era/)
  })

  it('is not asked for a request that is refused (A1, A15)', async () => {
    gate = await startScripted(modernScript)
    const token = await gate.token('ada', 'mcp:prompts:list')
    assert.equal((await callModern(gate.url, token, 'tools/list')).status, 403)
    assert.equal((await callModern(gate.url, 'nonsense', 'tools/list')).status, 401)
    assert.deepEqual(gate.spy.seen, [])
  })

  const outages: [string, Script[string], number][] = [
    ['refuses the gateway', () => ({ reply: true, status: 401 }), 502],
    ['is behind a proxy that does not find it', () => ({ reply: true, status: 503 }), 502],
    [
      'has no time',
      () => ({ reply: true, status: 429, body: { error: { code: 1, message: 'later' } } }),
      503,
    ],
    [
      'sends elsewhere',
      () => ({ reply: true, status: 307, headers: { location: 'http://evil.example' } }),
      502,
    ],
  ]
  for (const [what, answer, status] of outages) {
    it(`that ${what} is not taken for one of the other era (A70, A71)`, async () => {
      gate = await startScripted({ ...modernScript, 'server/discover': answer })
      const token = await gate.token('ada')
      assert.equal((await callModern(gate.url, token, 'tools/list')).status, status)
      assert.ok(!gate.methods().includes('initialize'))
      gate.script = modernScript
      assert.equal((await callModern(gate.url, token, 'tools/list')).status, 200, 'it is asked again')
    })
  }

  it('that has a fault when it is asked again has not unlearnt what it spoke (A70)', async () => {
    gate = await startScripted(modernScript, { probeSeconds: 1 })
    const token = await gate.token('ada')
    assert.equal((await callModern(gate.url, token, 'tools/list')).status, 200)
    let faults = 0
    const fault: Script[string] = () => {
      faults++
      return { reply: true, status: 500, body: { error: { code: 1, message: 'x' } } }
    }
    gate.script = { ...modernScript, 'server/discover': fault }
    await until(async () => {
      assert.equal((await callModern(gate.url, token, 'tools/list')).status, 200)
      return faults > 1
    }, 'it is asked again, and once more after that was answered')
    assert.ok(!gate.methods().includes('initialize'), 'nobody bridged it')
  })

  it('that understands neither question answers for itself', async () => {
    gate = await startScripted({})
    const token = await gate.token('ada')
    assert.equal((await callModern(gate.url, token, 'tools/list')).status, 200)
    assert.equal(gate.methods().at(-1), 'tools/list')
  })
})

describe('a server of which the operator says what it is', () => {
  for (const [era, method] of [
    ['modern', 'tools/list'],
    ['both', 'tools/list'],
  ] as const) {
    it(`is not asked: ${era}`, async () => {
      gate = await startScripted(modernScript, { era })
      await callModern(gate.url, await gate.token('ada'), method)
      assert.deepEqual(gate.methods(), [method])
    })
  }
})
