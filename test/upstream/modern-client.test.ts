import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { callModern, post } from '../support/era-calls.ts'
import { modernRequest } from '../support/gated-spy.ts'
import {
  legacyScript,
  opening,
  type Script,
  type ScriptedGate,
  startScripted,
} from '../support/scripted-upstream.ts'
import { until } from '../support/until.ts'

let gate: ScriptedGate
let token: string
beforeEach(async () => {
  gate = await startScripted(legacyScript, { era: 'legacy', transport: 'streamable-http' })
  token = await gate.token('ada')
})
afterEach(() => gate.close())

const serverInfo = { 'io.modelcontextprotocol/serverInfo': opening.serverInfo }
const use = (script: Script): void => {
  gate.script = { ...legacyScript, ...script }
}

describe('a modern client of a legacy server', () => {
  it('discovers what the server said when the session was opened', async () => {
    const { status, headers, messages } = await callModern(gate.url, token, 'server/discover')
    const { tasks: _tasks, ...capabilities } = opening.capabilities
    assert.equal(status, 200)
    assert.equal(headers.get('mcp-session-id'), null, 'there are no sessions in this era (O15)')
    assert.deepEqual(messages[0]?.result, {
      resultType: 'complete',
      supportedVersions: ['2026-07-28'],
      capabilities,
      instructions: 'be kind',
      ttlMs: 0,
      cacheScope: 'private',
      _meta: serverInfo,
    })
  })

  it('is one without capabilities to the server, which gets what its era knows and nothing else', async () => {
    const meta = {
      progressToken: 'p',
      'example.com/trace': 1,
      'io.modelcontextprotocol/clientInfo': { name: 'x' },
    }
    await callModern(gate.url, token, 'tools/call', { name: 'a', arguments: { n: 1 }, meta })
    const [opened] = gate.messages('initialize')
    assert.deepEqual(opened?.params['capabilities'], {})
    assert.equal(opened?.params['protocolVersion'], '2025-11-25')
    assert.equal(gate.methods().filter((method) => method === 'notifications/initialized').length, 1)
    const [call] = gate.messages('tools/call')
    assert.deepEqual(call?.params['arguments'], { n: 1 })
    assert.deepEqual(Object.keys(call?.params['_meta'] as object).toSorted(), [
      'example.com/trace',
      'progressToken',
    ])
    const { headers } = gate.spy.seen.find(({ body }) => body.includes('"tools/call"'))!
    assert.equal(headers['mcp-session-id'], 'session-1')
    assert.equal(headers['mcp-protocol-version'], '2025-06-18', 'the revision that the server chose')
    assert.equal(headers['mcp-method'], undefined)
    assert.equal(headers['mcp-name'], undefined)
  })

  it('gets results that are complete, say how long they keep, and name the server (O18)', async () => {
    use({
      'tools/list': () => ({
        tools: [{ name: 'a', inputSchema: {}, execution: { taskSupport: 'optional' } }],
      }),
      'tools/call': () => ({ content: [] }),
    })
    const list = await callModern(gate.url, token, 'tools/list')
    assert.deepEqual(list.messages[0]?.result, {
      tools: [{ name: 'a', inputSchema: {} }],
      resultType: 'complete',
      ttlMs: 0,
      cacheScope: 'private',
      _meta: serverInfo,
    })
    const call = await callModern(gate.url, token, 'tools/call', { name: 'a', arguments: {} })
    assert.deepEqual(call.messages[0]?.result, { content: [], resultType: 'complete', _meta: serverInfo })
  })

  it('gets its own ids and progress tokens back', async () => {
    use({
      'tools/call': ({ id, params }) => {
        const { progressToken } = metaOf(params)
        const progress = { method: 'notifications/progress', params: { progressToken, progress: 1 } }
        return { reply: true, stream: [progress, { id, result: { content: [] } }] }
      },
    })
    const { messages } = await callModern(gate.url, token, 'tools/call', {
      id: 'mine',
      meta: { progressToken: 'token' },
      name: 'a',
      arguments: {},
    })
    assert.deepEqual(messages[0]?.params, { progressToken: 'token', progress: 1 })
    assert.equal(messages[1]?.id, 'mine')
  })

  const errors: [number, number, number][] = [
    [-32002, -32602, 200],
    [-32602, -32602, 200],
    [-32601, -32602, 200],
    [-32042, 501, 200],
    [-32050, -32603, 200],
    [-32001, -32001, 200],
    [1234, 1234, 200],
  ]
  for (const [from, to, status] of errors) {
    it(`gets the error ${from} as ${to} (O13, O17)`, async () => {
      const error = { code: from, message: 'no', data: { uri: 'x' } }
      use({ 'resources/read': () => ({ reply: true, body: { error } }) })
      const answer = await callModern(gate.url, token, 'resources/read', { uri: 'test:///x' })
      assert.equal(answer.status, status)
      assert.equal(answer.messages[0]?.error?.code, to)
      assert.equal(answer.messages[0]?.id, 7)
    })
  }

  it('hears by 404 of a method that the server does not have, and of no tool that it does not have (O13)', async () => {
    const error = { code: -32601, message: 'no' }
    for (const [method, params, status] of [
      ['tools/call', { name: 'gone', arguments: {} }, 200],
      ['resources/templates/list', {}, 404],
    ] as const) {
      use({ [method]: () => ({ reply: true, body: { error } }) })
      assert.equal((await callModern(gate.url, token, method, params)).status, status, method)
    }
    const capabilities = {}
    use({
      initialize: () => ({ reply: true, body: { result: { ...opening, capabilities } } }),
      'tools/call': () => ({ reply: true, body: { error } }),
    })
    const other = await gate.token('grace')
    const { status } = await callModern(gate.url, other, 'tools/call', { name: 'a', arguments: {} })
    assert.equal(status, 404, 'it has no tools')
  })

  it('is refused what has no counterpart, and the server is not called', async () => {
    for (const params of [
      { name: 'a', arguments: {}, inputResponses: {} },
      { name: 'a', arguments: {}, requestState: 'x' },
      { name: 'a', arguments: {}, task: {} },
    ]) {
      const { messages } = await callModern(gate.url, token, 'tools/call', params)
      assert.equal(messages[0]?.error?.code, 501)
    }
    assert.equal(
      (await callModern(gate.url, token, 'tasks/get', { taskId: 't' })).messages[0]?.error?.code,
      -32602,
    )
    assert.deepEqual(gate.spy.seen, [])
  })

  it('is never asked: the server is told so at once and goes on (O16)', async () => {
    use({
      'tools/call': ({ id }) => ({
        reply: true,
        stream: [
          { id: 'q', method: 'elicitation/create', params: {} },
          { id: 'p', method: 'ping' },
          { method: 'notifications/message', params: { level: 'info', data: 'unasked' } },
          { method: 'notifications/tools/list_changed' },
          { id, result: { content: [] } },
        ],
      }),
    })
    const { messages } = await callModern(gate.url, token, 'tools/call', { name: 'a', arguments: {} })
    assert.equal(messages.length, 1, JSON.stringify(messages))
    await until(() => gate.messages('response').length === 2)
    const answers = gate.messages('response') as { id?: unknown; error?: { code: number }; result?: object }[]
    assert.equal(answers.find(({ id }) => id === 'q')?.error?.code, -32601)
    assert.deepEqual(answers.find(({ id }) => id === 'p')?.result, {})
  })

  it('hears log messages of the level that it asks for (O16)', async () => {
    use({
      'tools/call': ({ id }) => ({
        reply: true,
        stream: [
          ...['debug', 'warning', 'error'].map((level) => ({
            method: 'notifications/message',
            params: { level, data: level },
          })),
          { id, result: { content: [] } },
        ],
      }),
    })
    const meta = { 'io.modelcontextprotocol/logLevel': 'warning' }
    const { messages } = await callModern(gate.url, token, 'tools/call', { name: 'a', arguments: {}, meta })
    assert.deepEqual(
      messages.slice(0, -1).map(({ params }) => params?.['level']),
      ['warning', 'error'],
    )
    assert.deepEqual(gate.messages('logging/setLevel')[0]?.params, { level: 'warning' })
  })

  it('shares a session with its other requests, and never with another user (A29, A32)', async () => {
    const eve = await gate.token('eve')
    let sessions = 0
    use({
      initialize: (message, request) => {
        const reply = legacyScript['initialize']!(message, request)
        return { ...reply, headers: { 'mcp-session-id': `session-${++sessions}` } }
      },
    })
    await Promise.all([token, token, eve, token].map((one) => callModern(gate.url, one, 'tools/list')))
    assert.equal(sessions, 2)
    const used = gate.spy.seen
      .filter(({ body }) => body.includes('"tools/list"'))
      .map(({ headers }) => `${subjectOf(headers.authorization)} ${String(headers['mcp-session-id'])}`)
    assert.equal(used.length, 4)
    assert.equal(new Set(used).size, 2, 'a credential goes with its own session alone')
  })

  it('goes on in a new session when the server forgot the old one, once (N26)', async () => {
    await callModern(gate.url, token, 'tools/list')
    let lost = 0
    use({ 'tools/call': () => (lost++ === 0 ? { reply: true, status: 404 } : { content: [] }) })
    const answer = await callModern(gate.url, token, 'tools/call', { id: 'x', name: 'a', arguments: {} })
    assert.equal(answer.messages[0]?.result?.['resultType'], 'complete')
    assert.equal(answer.messages[0]?.id, 'x')
    assert.equal(gate.messages('initialize').length, 2)
    use({ 'tools/call': () => ({ reply: true, status: 404 }) })
    assert.equal((await callModern(gate.url, token, 'tools/call', { name: 'a', arguments: {} })).status, 502)
  })

  it('goes on in a new session also where the server has a 400 for the old one (N26)', async () => {
    await callModern(gate.url, token, 'tools/list')
    const opened = gate.messages('initialize').length
    const error = { code: -32000, message: 'Bad Request: Server not initialized' }
    const forgotten = { reply: true, status: 400, body: { id: null, error } } as const
    let lost = 0
    use({ 'tools/call': () => (lost++ === 0 ? forgotten : { content: [] }) })
    const answer = await callModern(gate.url, token, 'tools/call', { id: 'x', name: 'a', arguments: {} })
    assert.equal(answer.messages[0]?.result?.['resultType'], 'complete')
    assert.equal(gate.messages('initialize').length, opened + 1)
  })

  it('shares the new session with all that were refused in the old one, and what was taken is never repeated (N26)', async () => {
    await callModern(gate.url, token, 'tools/list')
    const taken = Promise.withResolvers<() => void>()
    const { answer } = gate.spy
    gate.spy.answerWith((request, res) => {
      const { id, params } = JSON.parse(request.body || '{}') as { id?: unknown; params?: { name?: string } }
      if (params?.name === 'slow') {
        const text = JSON.stringify({ jsonrpc: '2.0', id, result: { content: [] } })
        taken.resolve(() => res.writeHead(200, { 'content-type': 'application/json' }).end(text))
      } else if (params?.name === 'a' && gate.messages('initialize').length === 1) res.writeHead(404).end()
      else answer(request, res)
    })
    const call = (name: string, id: number) =>
      callModern(gate.url, token, 'tools/call', { id, name, arguments: {} })
    const slow = call('slow', 1)
    const answerSlow = await taken.promise
    const others = await Promise.all([2, 3, 4, 5, 6].map((id) => call('a', id)))
    for (const { messages } of others) assert.equal(messages[0]?.result?.['resultType'], 'complete')
    answerSlow()
    assert.equal((await slow).messages[0]?.result?.['resultType'], 'complete')
    assert.equal(gate.messages('initialize').length, 2)
    const slowOnes = gate.messages('tools/call').filter(({ params }) => params['name'] === 'slow')
    assert.equal(slowOnes.length, 1)
  })

  it('gets the rest of an answer whose stream the server wants it to come back for', async () => {
    const place = 'id: 5\nretry: 50\ndata:\n\n'
    let asked: unknown
    gate.spy.answerWith(
      ((answer) => (request, res) => {
        const stream = { 'content-type': 'text/event-stream' }
        if (request.body.includes('"tools/call"')) {
          asked = (JSON.parse(request.body) as { id: unknown }).id
          return res.writeHead(200, stream).end(place)
        }
        if (request.headers['last-event-id'] !== '5') return answer(request, res)
        const message = { jsonrpc: '2.0', id: asked, result: { content: [] } }
        return res.writeHead(200, stream).end(`data: ${JSON.stringify(message)}\n\n`)
      })(gate.spy.answer),
    )
    const { messages } = await callModern(gate.url, token, 'tools/call', { name: 'a', arguments: {} })
    assert.equal(messages[0]?.result?.['resultType'], 'complete')
  })

  it('that goes away cancels what it had asked for (O14, A37)', async () => {
    gate.spy.answerWith(
      ((answer) => (request, res) => {
        if (request.body.includes('"tools/call"'))
          return res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
        return answer(request, res)
      })(gate.spy.answer),
    )
    const { body, headers } = modernRequest('tools/call', { name: 'a', arguments: {} })
    const abort = new AbortController()
    const gone = assert.rejects(post(gate.url, token, body, { headers, signal: abort.signal }))
    await until(() => gate.messages('tools/call').length === 1)
    abort.abort()
    await gone
    await until(() => gate.messages('notifications/cancelled').length === 1)
    assert.equal(
      gate.messages('notifications/cancelled')[0]?.params['requestId'],
      gate.messages('tools/call')[0]?.['id'],
    )
  })
})

function metaOf(params: unknown): Record<string, unknown> {
  return (params as Record<string, Record<string, unknown>>)['_meta'] ?? {}
}

function subjectOf(authorization = ''): string {
  const payload = Buffer.from(authorization.split('.')[1] ?? '', 'base64url').toString()
  return (JSON.parse(payload) as { sub: string }).sub
}
